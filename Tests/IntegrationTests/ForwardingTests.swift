internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct ForwardingTests {
    /// Headers from clients and the proxies in front of this one, each with a value that must not be passed on.
    private static let secrets: HeaderLines = [
      "Authorization": "Bearer client-secret", "Proxy-Authorization": "Basic client-secret",
      "Cookie": "a=client-secret",
      "X-Registry-Auth": "client-secret", "X-Forwarded-For": "192.0.2.1", "X-Real-IP": "192.0.2.1",
      "Forwarded": "for=192.0.2.1", "Via": "1.1 inside.example", "Referer": "http://inside.example/client-secret",
      "Origin": "http://inside.example", "If-None-Match": "\"client-secret\"", "X-Request-Id": "client-secret",
      "User-Agent": "client-secret/1.0",
    ]

    private static let forwarded: Set<String> = [
      "host", "accept", "accept-encoding", "user-agent", "connection", "via",
    ]

    @Test func `no credential, address, validator or query of a client reaches upstream or a log`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 5000, seed: 20)
      let digest = registry.addBlob(bytes, to: "library/app")
      let manifest = registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      registry.answer(
        "/v2/library/app/tags/list",
        with: ScriptedResponse(headers: ["Content-Type": "application/json"], body: .bytes(Array("{}".utf8)))
      )
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      let targets = ["blobs/\(digest)", "manifests/\(manifest)", "manifests/v1", "tags/list"]
      for method in ["HEAD", "GET"] {
        for target in targets {
          let path = "/v2/app/\(target)?ns=docker.io&token=client-secret"
          #expect(
            try await stack.client.exchange(method, path, headers: Self.secrets).status == 200,
            "\(method) \(target)"
          )
        }
      }
      #expect(registry.requests.count >= 6)
      for request in registry.requests {
        let names = Set(request.headers.map { $0.name.lowercased() })
        #expect(names.isSubset(of: Self.forwarded), "\(request.method) \(request.target): \(names)")
        #expect(request.headers.all("Host") == ["127.0.0.1:\(registry.port)"])
        #expect(!request.target.contains("?"))
        #expect(!request.headers.contains { $0.value.contains("client-secret") })
      }
      await worker.stop()
      let accessLog = try String(contentsOfFile: stack.directory.path("nginx/access.log"), encoding: .utf8)
      for text in [stack.log, stack.nginxErrors, accessLog] { #expect(!text.contains("client-secret")) }
    }
  }
}
