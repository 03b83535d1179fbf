internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct TokenTests {
    @Test func `twenty concurrent pulls request one token, and no client is ever challenged`() async throws {
      let registry = try ScriptedRegistry()
      let tokens = ScriptedTokens()
      registry.requireTokens(tokens)
      let digests = (0..<20).map { registry.addBlob(DeterministicBytes.make(count: 5000, seed: $0), to: "library/app") }
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let client = stack.client
      #expect(try await client.get("/v2/").status == 200)
      let answers = try await withThrowingTaskGroup(of: HTTPExchange.self) { group in
        for digest in digests { group.addTask { try await client.get("/v2/app/blobs/\(digest)") } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(Set(answers.map(\.digest)) == Set(digests))
      #expect(answers.allSatisfy { $0.status == 200 && !$0.headers.contains("WWW-Authenticate") })
      #expect(tokens.askedScopes == ["repository:library/app:pull"])
      for token in tokens.validTokens { #expect(!stack.log.contains(token)) }
      #expect(!stack.log.contains("secret-"))
    }

    @Test func `a token that upstream no longer accepts is renewed once`() async throws {
      let registry = try ScriptedRegistry()
      let tokens = ScriptedTokens()
      registry.requireTokens(tokens)
      let first = registry.addBlob(DeterministicBytes.make(count: 5000, seed: 1), to: "library/app")
      let second = registry.addBlob(DeterministicBytes.make(count: 5000, seed: 2), to: "library/app")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      #expect(try await stack.client.get("/v2/app/blobs/\(first)").isWhole(first))
      tokens.revokeAll()
      #expect(try await stack.client.get("/v2/app/blobs/\(second)").isWhole(second))
      #expect(tokens.askedScopes.count == 2)
    }

    @Test
    func `a token that upstream never accepts is requested twice at most, and the client gets a 404`() async throws {
      let registry = try ScriptedRegistry()
      let digest = registry.addBlob([1, 2, 3], to: "library/app")
      registry.answer("/token", with: ScriptedResponse(body: .bytes(Array("{\"token\":\"x\"}".utf8))))
      let challenge: HeaderLines = ["WWW-Authenticate": "Bearer realm=\"\(registry.url)/token\""]
      registry.answer(
        "/v2/library/app/blobs/\(digest)",
        with: ScriptedResponse(status: 401, headers: challenge, body: .bytes([]))
      )
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(answer.status == 404)
      #expect(answer.errorCodes == ["BLOB_UNKNOWN"])
      #expect(!answer.headers.contains("WWW-Authenticate"))
      #expect(registry.count("GET", "/token") <= 2)
      #expect(registry.gets(of: digest) <= 2)
    }

    @Test func `a token service that stalls is given up in time, and the next client gets a token`() async throws {
      let registry = try ScriptedRegistry()
      let bytes: [UInt8] = [1, 2, 3]
      let digest = registry.addBlob(bytes, to: "library/app")
      let gate = Gate()
      defer { gate.open() }
      let token = Array("{\"token\":\"t\"}".utf8)
      registry.answer("/token", with: ScriptedResponse(body: .gated(token, at: 1, gate)))
      let challenge: HeaderLines = ["WWW-Authenticate": "Bearer realm=\"\(registry.url)/token\""]
      registry.answer("/v2/library/app/blobs/\(digest)") { request in
        request.headers["Authorization"] == "Bearer t"
          ? ScriptedResponse(body: .bytes(bytes)) : ScriptedResponse(status: 401, headers: challenge, body: .bytes([]))
      }
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      // From the worker: nginx's own time-out would be a 503.
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").status == 504)
      registry.answer("/token", with: ScriptedResponse(body: .bytes(token)))
      try await stack.waitForDownloads()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
    }

    @Test func `a realm on another host is never contacted`() async throws {
      let registry = try ScriptedRegistry()
      registry.requireTokens(ScriptedTokens(realm: "http://localhost:\(registry.port)/token"))
      let digest = registry.addBlob([1, 2, 3], to: "library/app")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(answer.status == 502)
      #expect(answer.text.contains("realms:"))
      #expect(registry.count("GET", "/token") == 0)
      try await eventually("the log gives the reason") { stack.log.contains("is on another domain than the endpoint") }
    }
  }
}
