internal import Glibc
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  /// Requests that wait for upstream or for their client take no thread.
  struct SlowReaderTests {
    private let registry: ScriptedRegistry

    init() throws { registry = try ScriptedRegistry() }

    private func start() async throws -> ProxyStack {
      let yaml = "threads: {min: 1, max: 2}\nupstreams:\n  docker.io: {endpoints: [\"\(registry.url)\"]}"
      return try await ProxyStack.start(yaml).stack
    }

    @Test func `readers that read nothing delay no other request`() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(16), seed: 101)
      let digest = registry.addBlob(bytes, to: "library/app")
      let known = registry.addBlob(DeterministicBytes.make(count: 50_000, seed: 102), to: "library/app")
      let stack = try await start()
      #expect(try await stack.client.get("/v2/app/blobs/\(known)").isWhole(known))
      var readers: [OpenExchange] = []
      for _ in 0..<3 {
        let reader = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
        try await reader.head()
        readers.append(reader)
      }
      for _ in 0..<20 {
        #expect(try await stack.client.get("/_regproxy/healthz").status == 200)
        #expect(try await stack.client.get("/_regproxy/metrics").status == 200)
        #expect(try await stack.client.get("/v2/app/blobs/\(known)").headers["X-Cache"] == "HIT")
      }
      for reader in readers { #expect(try await reader.finish().isWhole(digest)) }
      #expect(registry.gets(of: digest) == 1)
    }

    @Test func `requests that wait for upstream delay no other request`() async throws {
      let gate = Gate()
      defer { gate.open() }
      for number in 0..<100 {
        registry.answer("/v2/library/app/manifests/v\(number)", with: ScriptedResponse(body: .withheld(gate)))
      }
      let known = registry.addBlob(DeterministicBytes.make(count: 50_000, seed: 103), to: "library/app")
      let stack = try await start()
      #expect(try await stack.client.get("/v2/app/blobs/\(known)").isWhole(known))
      var waiting: [OpenExchange] = []
      for number in 0..<100 { waiting.append(try await stack.client.open("GET", "/v2/app/manifests/v\(number)")) }
      try await eventually("all wait for upstream") {
        registry.requests.count { $0.target.contains("/manifests/v") } >= 100
      }
      for _ in 0..<20 {
        #expect(try await stack.client.get("/_regproxy/healthz").status == 200)
        #expect(try await stack.client.get("/v2/app/blobs/\(known)").headers["X-Cache"] == "HIT")
      }
      for exchange in waiting { exchange.leave() }
    }

    @Test(arguments: [SIGTERM, SIGUSR1])
    func `a thousand streams survive HUP and a stop, while another worker serves the rest`(stop: Int32) async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(2), seed: 105)
      let gate = Gate()
      defer { gate.open() }
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(1), gate))
      let yaml = dockerHub(at: registry, "drain_timeout: 10m")
      let (stack, first) = try await ProxyStack.start(yaml, launch: .inherited)
      var readers: [OpenExchange] = []
      for _ in 0..<1000 { readers.append(try await stack.client.open("GET", "/v2/app/blobs/\(digest)")) }
      for reader in readers { try await reader.read(atLeast: 1024) }

      first.send(SIGHUP)
      try await eventually("the configuration is reread") { stack.log.contains("configuration reread") }
      #expect(try await stack.client.get("/v2/").status == 200)

      let second = try await stack.startWorker(name: "second")
      first.send(stop)
      try await eventually("the first stops accepting") { stack.log.contains("\"worker stops\"") }
      for _ in 0..<20 { #expect(try await stack.client.get("/v2/").status == 200) }
      #expect(first.isRunning)
      gate.open()
      for reader in readers { #expect(try await reader.finish().isWhole(digest)) }
      #expect(try await first.waitForExit() == .code(0))
      await second.stop()
    }

    @Test func `three hundred slow readers on two threads all get the blob`() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(2), seed: 104)
      let gate = Gate()
      defer { gate.open() }
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(1), gate))
      let stack = try await start()
      let whole = try await withThrowingTaskGroup(of: Bool.self) { group in
        var readers: [OpenExchange] = []
        for _ in 0..<300 { readers.append(try await stack.client.open("GET", "/v2/app/blobs/\(digest)")) }
        // All are served at once while upstream sends no more.
        for reader in readers { try await reader.read(atLeast: 1024) }
        for reader in readers {
          group.addTask {
            // A kilobyte a second.
            for count in 1...3 {
              try await reader.read(atLeast: count * 1024)
              try await Task.sleep(for: .seconds(1))
            }
            return try await reader.finish().isWhole(digest)
          }
        }
        gate.open()
        return try await group.reduce(into: 0) { $0 += $1 ? 1 : 0 }
      }
      #expect(whole == 300)
      #expect(registry.gets(of: digest) == 1)
    }
  }
}
