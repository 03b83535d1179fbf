internal import Testing

@testable internal import RegistryHandler

struct TokenCacheTests {
  private let clock = ManualClock(1_000)
  private let cache: TokenCache
  private let key: TokenCache.Key

  init() throws {
    cache = TokenCache(executor: .forTests) { [clock] in clock.now }
    key = TokenCache.Key(
      upstream: try Values.upstream("r.test"),
      endpoint: try Values.url("https://r.test"),
      scope: .pull(try Values.repository("a"))
    )
  }

  private static func token(_ token: String, lifetime: Int64) throws -> TokenResponse {
    try #require(TokenResponse(json: Array(#"{"token":"\#(token)","expires_in":\#(lifetime)}"#.utf8)))
  }

  @Test func `a hundred callers share one fetch`() async throws {
    let response = try Self.token("t", lifetime: 300)
    let fetches = Observed(0)
    let gate = Observed(false)
    try await withThrowingTaskGroup(of: String.self) { group in
      for _ in 0..<100 {
        group.addTask {
          try await cache.token(for: key) { () throws(UpstreamError) in
            fetches.update { $0 += 1 }
            _ = await gate.first { $0 }
            return response
          }.value
        }
      }
      _ = await fetches.first { $0 == 1 }
      gate.update { $0 = true }
      for try await token in group { #expect(token == "t") }
    }
    #expect(fetches.value == 1)
  }

  @Test(
    arguments: [
      // A tenth of the lifetime before the expiry, 30 s at most.
      (300, 269, true), (300, 270, false), (60, 53, true), (60, 54, false), (3_600, 3_569, true), (3_600, 3_570, false),
      (10, 8, true), (10, 9, false), (2, 0, true), (2, 1, false), (1, 0, false), (0, 0, false),
    ]
  )
  func `a token is used until shortly before its expiry`(_ lifetime: Int64, _ age: Int64, _ isUsed: Bool) async throws {
    let response = try Self.token("t", lifetime: lifetime)
    #expect(try await cache.token(for: key) { response }.value == "t")
    clock.advance(by: age)
    #expect(cache.token(for: key)?.value == (isUsed ? "t" : nil))
  }

  @Test func `the lifetime of a token begins with its request`() async throws {
    let response = try Self.token("t", lifetime: 100)
    _ = try await cache.token(for: key) { [clock] in
      clock.advance(by: 50)
      return response
    }
    clock.advance(by: 39)
    #expect(cache.token(for: key)?.value == "t")
    clock.advance(by: 1)
    #expect(cache.token(for: key)?.value == nil)
  }

  @Test func `only the refused token is discarded`() async throws {
    let responses = try ["old", "new"].map { try Self.token($0, lifetime: 300) }
    let old = try await cache.token(for: key) { responses[0] }
    cache.discard(old, for: key)
    let new = try await cache.token(for: key) { responses[1] }
    cache.discard(old, for: key)
    #expect(cache.token(for: key) === new)
    cache.discard(new, for: key)
    #expect(cache.token(for: key) === nil)
  }

  @Test(
    arguments: [(false, 0, false), (false, 59, false), (false, 60, true), (true, 0, true), (true, 60, true)]
      as [(Bool, Int64, Bool)]
  )
  func `a token that upstream has never accepted is worth replacing after a minute`(
    _ wasAccepted: Bool,
    _ age: Int64,
    _ isWorthIt: Bool
  ) async throws {
    let response = try Self.token("t", lifetime: 300)
    let token = try await cache.token(for: key) { response }
    if wasAccepted { token.noteAcceptance() }
    clock.advance(by: age)
    #expect(cache.isWorthReplacing(token) == isWorthIt)
  }

  @Test func `a failure is thrown and not cached`() async throws {
    let failure = UpstreamError(.authentication, "no")
    await #expect(throws: failure) { try await cache.token(for: key) { () throws(UpstreamError) in throw failure } }
    let response = try Self.token("t", lifetime: 300)
    #expect(try await cache.token(for: key) { response }.value == "t")
  }

  @Test func `a token is cached per upstream, endpoint and repository`() async throws {
    let response = try Self.token("t", lifetime: 300)
    _ = try await cache.token(for: key) { response }
    let others = [
      TokenCache.Key(upstream: try Values.upstream("b.test"), endpoint: key.endpoint, scope: key.scope),
      TokenCache.Key(upstream: key.upstream, endpoint: try Values.url("https://b.test"), scope: key.scope),
      TokenCache.Key(upstream: key.upstream, endpoint: key.endpoint, scope: .pull(try Values.repository("a/b"))),
    ]
    for other in others { #expect(cache.token(for: other)?.value == nil) }
  }

  @Test func `a lifetime of any length does not stop the process`() async throws {
    await #expect(processExitsWith: .success) {
      let test = try TokenCacheTests()
      let response = try Self.token("t", lifetime: .max)
      #expect(try await test.cache.token(for: test.key) { response }.value == "t")
    }
  }
}
