internal import Testing

@testable internal import RegistryHandler

struct StatusEndpointTests {
  @Test(
    arguments: [
      ("/_regproxy/healthz", StatusEndpoint.healthz), ("/_regproxy/readyz", .readyz),
      ("/_regproxy/metrics", .metrics), ("/_regproxy/status", .status), ("/_regproxy/status.json", .statusJSON),
      ("/health", .healthz), ("/healthz", .healthz), ("/stats", .statusJSON), ("/stats/cache", .statusJSON),
    ]
  )
  func `the operator's endpoints and their aliases are known`(_ path: String, _ endpoint: StatusEndpoint) throws {
    #expect(StatusEndpoint(segments: try RequestTarget(path).segments) == endpoint)
    #expect(Route.status(endpoint).target == "/_regproxy/\(endpoint.rawValue)")
  }

  @Test(arguments: ["/", "/v2/", "/_regproxy", "/_regproxy/", "/_regproxy/x", "/healthz/", "/stats/x", "/v2/healthz"])
  func `other paths are not status endpoints`(_ path: String) throws {
    #expect(StatusEndpoint(segments: try RequestTarget(path).segments) == nil)
  }
}
