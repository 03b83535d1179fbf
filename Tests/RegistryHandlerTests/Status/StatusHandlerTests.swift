internal import FoundationEssentials
internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// The operator's endpoints in the table "Requests" of `docs/request-handling.md`.
struct StatusHandlerTests {
  private let fixture: ProxyFixture

  init() throws { fixture = try ProxyFixture() }

  private func text(_ target: String) async throws -> String {
    let response = await fixture.send(.get, target)
    return String(decoding: try await fixture.content(of: response), as: UTF8.self)
  }

  @Test(arguments: ["/_regproxy/healthz", "/health", "/healthz", "/_regproxy/readyz"])
  func `a worker that can write its store is healthy and ready`(_ target: String) async {
    #expect(await fixture.send(.get, target).status == 200)
  }

  @Test func `a worker that cannot write its store is alive, but not ready`() async throws {
    try FileManager.default.removeItem(atPath: fixture.store.layout.root)
    try fixture.directory.write([], to: fixture.store.layout.root)
    #expect(await fixture.send(.get, "/_regproxy/healthz").status == 200)
    #expect(await fixture.send(.get, "/_regproxy/readyz").status == 503)
  }

  @Test func `requests are counted by cache status`() async throws {
    fixture.registry.on(
      "GET https://r.test/v2/o/a/manifests/v1",
      .text("{}", [.contentType: ManifestHandlerTests.index])
    )
    for _ in 0..<3 { _ = await fixture.send(.get, "/v2/o/a/manifests/v1") }
    _ = await fixture.send(.get, "/v2/o/b/manifests/v1")
    let json = Data(try await text("/_regproxy/status.json").utf8)
    let status = try JSONDecoder().decode([String: Int].self, from: json)
    #expect(status["misses"] == 1)
    #expect(status["hits"] == 2)
    #expect(status["requests"] == 4)
    #expect(status["upstreams"] == 2)
    #expect(try await text("/stats/cache").contains(#""hits":2"#))
    #expect(try await text("/_regproxy/status").contains("hits: 2\n"))
    let metrics = try await text("/_regproxy/metrics")
    #expect(metrics.contains(#"regproxy_requests_total{kind="manifest",cache="hit",status="2xx"} 2"#))
    #expect(metrics.contains(#"regproxy_requests_total{kind="manifest",cache="none",status="4xx"} 1"#))
    #expect(metrics.contains("\nregproxy_fills 0\n"))
  }
}
