internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct ProxyLoopTests {
    private static let digest = "sha256:" + String(repeating: "0", count: 64)

    private func yaml(_ endpoint: HTTPClient) -> String {
      "upstreams:\n  docker.io: {endpoints: [\"http://127.0.0.1:\(endpoint.port)\"]}"
    }

    private func requests(_ stack: ProxyStack, _ reference: String) -> [String?] {
      stack.logLines(reference: reference).map { $0["http.status"] }
    }

    @Test func `a request that comes back to the first proxy ends there`() async throws {
      let first = try await ProxyStack("domain: first.test", in: TemporaryDirectory())
      let second = try await ProxyStack(yaml(first.client), in: TemporaryDirectory())
      // The address of the second proxy is known only now.
      try ProxyStack.write(yaml(second.client), to: first.directory)
      _ = try await first.startWorker()
      _ = try await second.startWorker()
      for path in ["manifests/v1", "blobs/\(Self.digest)", "tags/list"] {
        let answer = try await first.client.get("/v2/app/\(path)")
        #expect(answer.status == 502, "\(path)")
        #expect(answer.errorCodes == ["UNAVAILABLE"])
      }
      for reference in ["v1", Self.digest] {
        try await eventually("both proxies have logged \(reference)") { requests(first, reference).count == 2 }
        #expect(requests(first, reference) == ["508", "502"])
        #expect(requests(second, reference) == ["502"])
      }
    }

    @Test func `all processes of a store share one Via name, and another store has its own`() async throws {
      let registry = try ScriptedRegistry()
      let (stack, first) = try await ProxyStack.start(dockerHub(at: registry), launch: .inherited)
      _ = try await stack.client.get("/v2/app/manifests/v1")
      _ = try await stack.handOver(from: first)
      _ = try await stack.client.get("/v2/app/manifests/v2")
      let (other, _) = try await ProxyStack.start(dockerHub(at: registry))
      _ = try await other.client.get("/v2/app/manifests/v3")
      let names = registry.requests.map { $0.headers["Via"] }
      #expect(names.count == 3 && names[0]?.hasPrefix("1.1 regproxy-") == true)
      #expect(names[0] == names[1])
      #expect(names[0] != names[2])
    }
  }
}
