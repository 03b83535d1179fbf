internal import Glibc
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  /// Upstreams behind a real forward proxy that wants credentials.
  struct ForwardProxyTests {
    private let directory: TemporaryDirectory
    private let registry: ScriptedRegistry
    private let digest: String

    init() throws {
      directory = try TemporaryDirectory()
      registry = try ScriptedRegistry()
      digest = registry.addBlob(DeterministicBytes.make(count: 300_000, seed: 120), to: "library/app")
      registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
    }

    private func yaml(_ proxy: String) -> String {
      "upstreams:\n  docker.io: {endpoints: [\"\(registry.url)\"], proxy: \"\(proxy)\"}"
    }

    @Test func `everything goes through the proxy, whose password no log has`() async throws {
      let proxy = try await ConnectProxy.start(username: "user", password: "planted", in: directory)
      let tokens = ScriptedTokens()
      registry.requireTokens(tokens)
      let (stack, worker) = try await ProxyStack.start(yaml("http://user:planted@127.0.0.1:\(proxy.port)"))
      #expect(try await stack.client.get("/v2/app/manifests/v1").status == 200)
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(!proxy.targets.isEmpty)
      #expect(proxy.targets.allSatisfy { $0 == "127.0.0.1:\(registry.port)" })
      #expect(!stack.log.contains("planted"))

      // Direct from now on.
      try ProxyStack.write(yaml("direct"), to: stack.directory)
      let before = proxy.targets.count
      let sent = registry.requests.count
      worker.send(SIGHUP)
      try await eventually("the new configuration") { stack.log.contains("configuration reread") }
      #expect(try await stack.client.get("/v2/app/manifests/none").status == 404)
      #expect(registry.requests.count > sent)
      #expect(proxy.targets.count == before)
    }

    @Test func `a proxy that refuses, or is down, is an error that names it`() async throws {
      let proxy = try await ConnectProxy.start(username: "user", password: "planted", in: directory)
      let (stack, worker) = try await ProxyStack.start(yaml("http://user:wrong-secret@127.0.0.1:\(proxy.port)"))
      let refused = try await stack.client.get("/v2/app/manifests/v1")
      #expect(refused.status == 502)
      #expect(refused.text.contains("through the proxy http://127.0.0.1:\(proxy.port)"))
      let down = try makeFreePort()
      try ProxyStack.write(yaml("http://user:wrong-secret@127.0.0.1:\(down)"), to: stack.directory)
      worker.send(SIGHUP)
      try await eventually("the new configuration") { stack.log.contains("configuration reread") }
      let unreachable = try await stack.client.get("/v2/app/manifests/v1")
      #expect(unreachable.status == 502)
      #expect(unreachable.text.contains("through the proxy http://127.0.0.1:\(down)"))
      for text in [refused.text, unreachable.text, stack.log] { #expect(!text.contains("wrong-secret")) }
      #expect(registry.requests.isEmpty)
    }
  }
}
