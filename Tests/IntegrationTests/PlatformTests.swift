internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct PlatformTests {
    private static let manifestType = "application/vnd.oci.image.manifest.v1+json"
    private static let indexType = "application/vnd.oci.image.index.v1+json"

    @Test(arguments: [true, false])
    func `clients with and without index support never get each other's manifest`(singleFirst: Bool) async throws {
      let registry = try ScriptedRegistry()
      // Registries do the same: a single manifest for a client that accepts no index.
      registry.answer("/v2/library/app/manifests/v1") { request in
        let takesIndex = request.headers["Accept"]?.contains("index") == true
        return ScriptedResponse(
          headers: ["Content-Type": takesIndex ? Self.indexType : Self.manifestType],
          body: .bytes(Array(takesIndex ? "{\"manifests\":[]}".utf8 : "{\"layers\":[]}".utf8))
        )
      }
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let single: HeaderLines = ["Accept": Self.manifestType]
      let any: HeaderLines = ["Accept": "\(Self.indexType), \(Self.manifestType)"]
      for accept in singleFirst ? [single, any, single, any] : [any, single, any, single] {
        let answer = try await stack.client.get("/v2/app/manifests/v1", headers: accept)
        let expected = accept == single ? Self.manifestType : Self.indexType
        #expect(answer.headers["Content-Type"] == expected)
      }
      // Each was fetched once, and is a hit from then on.
      #expect(registry.count("GET", "/v2/library/app/manifests/v1") == 2)
      #expect(try await stack.client.get("/v2/app/manifests/v1").headers["Content-Type"] == Self.indexType)
      #expect(try await stack.client.get("/v2/app/manifests/v1", headers: single).headers["X-Cache"] == "HIT")
    }
  }
}
