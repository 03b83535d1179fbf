internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct SlowUpstreamTests {
    private let bytes = DeterministicBytes.make(count: 300_000, seed: 91)
    private let digest: String
    private let slow: ScriptedRegistry
    private let fast: ScriptedRegistry
    private let yaml: String

    init() throws {
      digest = sha256Digest(of: bytes)
      slow = try ScriptedRegistry()
      fast = try ScriptedRegistry()
      yaml = """
        upstreams:
          slow.test: {endpoints: ["\(slow.url)"]}
          fast.test: {endpoints: ["\(fast.url)"]}

        """
    }

    @Test(arguments: [true, false])
    func `a client of a fast upstream finishes while clients of a slow one still wait`(isAnnounced: Bool) async throws {
      let gate = Gate()
      if isAnnounced {
        slow.addBlob(bytes, to: "o/a", .gated(bytes, at: 20_000, gate))
      } else {
        slow.addBlob(bytes, to: "o/a", .withheld(gate))
      }
      fast.answerRanges("/v2/o/a/blobs/\(digest)", of: bytes) { .bytes($0) }
      let (stack, worker) = try await ProxyStack.start(yaml)
      let first = try await stack.client.open("GET", "/v2/slow.test/o/a/blobs/\(digest)")
      try await eventually("the slow upstream has the request") { slow.gets(of: digest, in: "o/a") == 1 }
      if isAnnounced { _ = try await first.head() }
      #expect(try await stack.client.get("/v2/fast.test/o/a/blobs/\(digest)").isWhole(digest))
      #expect(slow.gets(of: digest, in: "o/a") == 1)
      gate.open()
      first.leave()
      await worker.stop()
    }

    @Test func `a range a little ahead of a slow download does not wait for the download`() async throws {
      let gate = Gate()
      let bytes = DeterministicBytes.make(count: .megabytes(20), seed: 92)
      let digest = sha256Digest(of: bytes)
      slow.answerRanges("/v2/o/a/blobs/\(digest)", of: bytes) { [bytes] rest in
        rest.count == bytes.count ? .gated(rest, at: 50_000, gate) : .bytes(rest)
      }
      let (stack, worker) = try await ProxyStack.start(yaml)
      let target = "/v2/slow.test/o/a/blobs/\(digest)"
      let whole = try await stack.client.open("GET", target)
      try await whole.read(atLeast: 10_000)
      let part = try await stack.client.get(target, headers: ["Range": "bytes=7000000-7000099"])
      #expect(part.status == 206)
      #expect(part.body == Array(bytes[7_000_000..<7_000_100]))
      gate.open()
      #expect(try await whole.finish().isWhole(digest))
      await worker.stop()
    }

    @Test func `an upstream that ignores ranges gets only one request for a distant range`() async throws {
      let (stack, worker) = try await ProxyStack.start(yaml)
      for seed in [93, 94] as [UInt64] {
        let gate = Gate()
        let bytes = DeterministicBytes.make(count: .megabytes(40), seed: seed)
        let digest = slow.addBlob(bytes, to: "o/a", .gated(bytes, at: 50_000, gate))
        let target = "/v2/slow.test/o/a/blobs/\(digest)"
        let whole = try await stack.client.open("GET", target)
        try await whole.read(atLeast: 10_000)
        let client = stack.client
        async let part = client.get(target, headers: ["Range": "bytes=30000000-30000009"])
        // For the second blob upstream gets the request of the download only.
        let requests = seed == 93 ? 2 : 1
        try await eventually("upstream has the requests") { slow.gets(of: digest, in: "o/a") == requests }
        gate.open()
        #expect(try await part.body == Array(bytes[30_000_000..<30_000_010]))
        #expect(try await whole.finish().isWhole(digest))
        #expect(slow.gets(of: digest, in: "o/a") == requests)
      }
      await worker.stop()
    }
  }
}
