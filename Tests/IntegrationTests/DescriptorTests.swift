internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct DescriptorTests {
    private let registry: ScriptedRegistry

    init() throws { registry = try ScriptedRegistry() }

    private func start(
      threads: String,
      descriptors: Int? = nil,
      share: Int = 100
    ) async throws -> (ProxyStack, ManagedProcess) {
      let yaml = """
        threads: \(threads)
        requests: {max_share: \(share)}
        upstreams:
          docker.io: {endpoints: ["\(registry.url)"]}
        """
      // A kept connection would have a descriptor that the tests count.
      let stack = try await ProxyStack(yaml, keepsConnections: false, in: TemporaryDirectory())
      return (stack, try await stack.startWorker(descriptors: descriptors))
    }

    @Test func `a pull without free descriptors succeeds, and is stored only once some are free`() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(8), seed: 81)
      let digest = registry.addBlob(bytes, to: "library/app")
      let known = registry.addBlob(DeterministicBytes.make(count: 50_000, seed: 82), to: "library/app")
      let (stack, worker) = try await start(threads: "{min: 1, max: 1}")
      // Leaves an idle connection to upstream, as in a worker in use.
      #expect(try await stack.client.get("/v2/app/blobs/\(known)").isWhole(known))

      try await eventually("the worker is idle") { try stack.isIdle(worker) }
      let limit = try await DescriptorLimit(of: worker, free: 1, in: stack.directory)
      for _ in 0..<3 {
        #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
        #expect(try await stack.client.get("/v2/app/blobs/\(known)").headers["X-Cache"] == "HIT")
        try await stack.waitForDownloads()
      }
      #expect(try stack.storedBlobs() == [known])
      #expect(try stack.saysOnceAMinute("cannot store blobs"))
      let metrics = try await stack.client.get("/_regproxy/metrics").text
      #expect(metrics.contains("regproxy_store_failures_total 3\n"))

      try await limit.lift()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try stack.storedBlobs() == [known, digest])
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
    }

    @Test func `requests wait in the queue until the worker has a descriptor to accept them`() async throws {
      let (stack, worker) = try await start(threads: "{min: 4, max: 4}")
      try await eventually("the worker is idle") { try stack.isIdle(worker) }
      let limit = try await DescriptorLimit(of: worker, free: 0, in: stack.directory)
      async let answers = stack.client.getAtOnce(8, "/v2/")
      try await eventually("the worker logs the reason") { stack.log.contains("no connection accepted") }
      try await limit.lift()
      #expect(try await answers.map { try $0.get().status } == Array(repeating: 200, count: 8))
      #expect(try stack.saysOnceAMinute("no connection accepted"))
    }

    @Test func `a worker with few descriptors stores what it serves, and refuses what it has none for`() async throws {
      let blobs = (0..<60).map { DeterministicBytes.make(count: 300_000, seed: 90 + UInt64($0)) }
      let digests = blobs.map { registry.addBlob($0, to: "library/app", .paced($0, bytesPerSecond: 400_000)) }
      let (stack, _) = try await start(threads: "{min: 4, max: 256}", descriptors: 200)
      let client = stack.client
      let served = try await withThrowingTaskGroup(of: String?.self) { group in
        for digest in digests {
          group.addTask {
            let exchange = try await client.get("/v2/app/blobs/\(digest)")
            if exchange.status == 503, exchange.headers["Retry-After"] == "5" { return nil }
            #expect(exchange.isWhole(digest))
            return digest
          }
        }
        return try await group.reduce(into: Set()) { if let digest = $1 { $0.insert(digest) } }
      }
      #expect(served.count >= 10)
      #expect(try stack.storedBlobs() == served)
      #expect(!stack.log.contains("no connection accepted"))
    }

    @Test func `more requests than there are descriptors for get a 503`() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(2), seed: 83)
      let gate = Gate()
      defer { gate.open() }
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(1), gate))
      // Twenty requests at once, and the download of their blob.
      let (stack, _) = try await start(threads: "{min: 4, max: 256}", descriptors: 64 + 2 * 20 + 4)
      var readers: [OpenExchange] = []
      for _ in 0..<20 {
        let reader = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
        #expect(try await reader.head().status == 200)
        readers.append(reader)
      }
      let refused = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(refused.status == 503)
      #expect(refused.headers["Retry-After"] == "5")
      #expect(refused.errorCodes == ["UNAVAILABLE"])
      #expect(try await stack.client.get("/_regproxy/healthz").status == 200)
      gate.open()
      for reader in readers { #expect(try await reader.finish().isWhole(digest)) }
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
    }
  }
}
