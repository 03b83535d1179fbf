internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct TokenRenewalTests {
    @Test func `twenty pulls with a revoked token renew the token once`() async throws {
      let registry = try ScriptedRegistry()
      let tokens = ScriptedTokens()
      registry.requireTokens(tokens)
      let first = registry.addBlob(DeterministicBytes.make(count: 500, seed: 100), to: "library/app")
      let others = (0..<20).map { registry.addBlob(DeterministicBytes.make(count: 500, seed: $0), to: "library/app") }
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      let client = stack.client
      #expect(try await client.get("/v2/app/blobs/\(first)").isWhole(first))
      tokens.revokeAll()
      let answers = try await withThrowingTaskGroup(of: HTTPExchange.self) { group in
        for digest in others { group.addTask { try await client.get("/v2/app/blobs/\(digest)") } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(answers.map(\.digest)) == Set(others))
      #expect(answers.allSatisfy { $0.status == 200 })
      #expect(tokens.askedScopes.count == 2)
      await worker.stop()
    }

    @Test(arguments: [0, 1, 300])
    func `each scope has its own token, and a token that expires at once is not reused`(seconds: Int) async throws {
      let registry = try ScriptedRegistry()
      let tokens = ScriptedTokens(expiresIn: seconds)
      registry.requireTokens(tokens)
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      for seed in 0..<3 {
        let bytes = DeterministicBytes.make(count: 500, seed: UInt64(seed))
        for repository in ["team/a", "team/b"] {
          let digest = registry.addBlob(bytes, to: repository)
          #expect(try await stack.client.get("/v2/\(repository)/blobs/\(digest)").isWhole(digest))
        }
      }
      #expect(Set(tokens.askedScopes) == ["repository:team/a:pull", "repository:team/b:pull"])
      #expect(tokens.askedScopes.count == (seconds == 300 ? 2 : 6))
      await worker.stop()
    }
  }
}
