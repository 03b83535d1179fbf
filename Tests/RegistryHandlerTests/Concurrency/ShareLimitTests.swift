internal import RegistryHandler
internal import Testing

struct ShareLimitTests {
  private let limit = ShareLimit<String>(maximum: 2)

  @Test func `a party has at most its share, whoever it has it with`() throws {
    var leases = [try limit.lease(for: ["a", "x"]), try limit.lease(for: ["a", "y"])]
    let exceeded = #expect(throws: ShareLimit<String>.Exceeded.self) { try limit.lease(for: ["b", "a"]) }
    #expect(exceeded?.party == "a")
    // The refusal has counted nothing.
    leases += [try limit.lease(for: ["b"]), try limit.lease(for: ["b"])]
    #expect(throws: ShareLimit<String>.Exceeded.self) { try limit.lease(for: ["b"]) }
    #expect(leases.count == 4)
  }

  @Test func `a released share can be had again`() throws {
    for _ in 0..<3 {
      let leases = [try limit.lease(for: ["a"]), try limit.lease(for: ["a"])]
      #expect(throws: ShareLimit<String>.Exceeded.self) { try limit.lease(for: ["a"]) }
      #expect(leases.count == 2)
    }
  }
}
