internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct DocumentMemoryTests {
    private static let clients = 40
    private static let size = Int.megabytes(4)

    private let registry: ScriptedRegistry
    private let stack: ProxyStack
    private let worker: ManagedProcess

    init() async throws {
      registry = try ScriptedRegistry()
      (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
    }

    /// The resident size of the worker in bytes, or with `VmHWM` the largest that it has had.
    private func residentBytes(_ name: String = "VmRSS") throws -> Int {
      let status = try String(contentsOfFile: "/proc/\(worker.pid)/status", encoding: .utf8)
      let line = try #require(status.split(separator: "\n").first { $0.hasPrefix("\(name):") })
      return try #require(Int(line.split(whereSeparator: \.isWhitespace)[1])) * 1024
    }

    /// Opens requests whose clients read the head of the response and then pause.
    private func openSlowly(_ target: (Int) -> String) async throws -> (
      exchanges: [OpenExchange], heads: [ResponseHead]
    ) {
      var exchanges: [OpenExchange] = []
      for number in 0..<Self.clients { exchanges.append(try await stack.client.open("GET", target(number))) }
      var heads: [ResponseHead] = []
      for exchange in exchanges { heads.append(try await exchange.head()) }
      return (exchanges, heads)
    }

    private func expectMemoryBack(below limit: Int) async throws {
      try await eventually("the memory is freed", within: .seconds(30)) { try residentBytes() < limit }
    }

    @Test func `slow clients of a large stored manifest take no memory and get all of its bytes`() async throws {
      let json = #"{"schemaVersion":2,"x":"\#(String(repeating: "x", count: Self.size - 100))"}"#
      let digest = registry.addManifest(json, to: "library/app", tag: "v1")
      let target = "/v2/app/manifests/v1"
      #expect(try await stack.client.get(target).isWhole(digest))
      let before = try residentBytes()
      let (exchanges, heads) = try await openSlowly { _ in target }
      #expect(heads.allSatisfy { $0.status == 200 && $0.headers["Content-Length"] == "\(json.utf8.count)" })
      // Less than a quarter of the manifest for each client.
      #expect(try residentBytes() < before + Self.clients * Self.size / 4)
      for exchange in exchanges.prefix(3) { #expect(try await exchange.finish().isWhole(digest)) }
      for exchange in exchanges { exchange.leave() }
      try await expectMemoryBack(below: before + .megabytes(32))
      #expect(registry.requests.count { $0.path.contains("/manifests/") } == 1)
    }

    @Test func `a manifest of a million values takes little more memory than its size`() async throws {
      let json = #"{"schemaVersion":2,"x":["# + String(repeating: "1,", count: 2_000_000) + "1]}"
      let digest = registry.addManifest(json, to: "library/app", tag: "v1")
      let before = try residentBytes("VmHWM")
      #expect(try await stack.client.get("/v2/app/manifests/v1").isWhole(digest))
      #expect(try residentBytes("VmHWM") < before + .megabytes(40))
    }

    @Test func `slow clients of large lists share a memory budget, and further clients get a 503`() async throws {
      let list = Array("{\(String(repeating: " ", count: Self.size - 2))}".utf8)
      registry.answer(
        "/v2/library/app/tags/list",
        with: ScriptedResponse(headers: ["Content-Type": "application/json"], body: .bytes(list))
      )
      let digest = sha256Digest(of: list)
      #expect(try await stack.client.get("/v2/app/tags/list").isWhole(digest))
      // The worker gives a list's share back after the client has the last byte.
      try await eventually("no list is in memory") {
        try await stack.client.get("/_regproxy/metrics").text.contains("\nregproxy_document_bytes 0\n")
      }
      let before = try residentBytes()
      let (exchanges, heads) = try await openSlowly { "/v2/app/tags/list?n=\($0)" }
      let served = heads.count { $0.status == 200 }
      let refused = heads.filter { $0.status == 503 }
      // One upstream has three quarters of the budget.
      #expect(served >= 12 && served + refused.count == Self.clients)
      #expect(refused.allSatisfy { $0.headers["Retry-After"] == "5" })
      // The budget's 64 MiB, and as much again for everything else.
      #expect(try residentBytes() < before + .megabytes(128))
      for exchange in exchanges { exchange.leave() }
      try await expectMemoryBack(below: before + .megabytes(48))
      #expect(try await stack.client.get("/v2/app/tags/list").isWhole(digest))
    }
  }
}
