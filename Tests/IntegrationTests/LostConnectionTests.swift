internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct LostConnectionTests {
    @Test(arguments: [1, 2])
    func `a request whose connection closes before the response begins is retried once`(losses: Int) async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 5000, seed: 31)
      let digest = registry.addBlob(bytes, to: "library/app")
      let path = "/v2/library/app/blobs/\(digest)"
      let closed = Gate()
      closed.open()
      registry.answer(path) { [weak registry] _ in
        let asked = registry?.count("GET", path) ?? 0
        return ScriptedResponse(body: asked <= losses ? .withheld(closed) : .bytes(bytes))
      }
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(answer.status == (losses == 1 ? 200 : 502))
      #expect(registry.count("GET", path) == 2)
      try await stack.waitForDownloads()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
    }
  }
}
