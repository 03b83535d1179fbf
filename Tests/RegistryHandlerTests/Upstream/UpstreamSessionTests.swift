internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Tokens" and "Realms" of `docs/rules/tokens.md`.
struct UpstreamSessionTests {
  private static let manifest = "https://r.test/v2/a/manifests/v1"
  private static let realm = "https://auth.r.test/token?service=r&scope=repository%3Aa%3Apull"
  private static let challenge = FakeResponse.challenge(#"Bearer realm="https://auth.r.test/token",service="r""#)

  private let registry = FakeUpstream()
  private let clock = ManualClock()
  private let tokens: TokenCache
  private let route: Route

  init() throws {
    tokens = TokenCache(executor: .forTests) { [clock] in clock.now }
    route = .manifest(try Values.repository("a"), .tag(try Values.tag("v1")))
  }

  private func makeUpstream(realms: [String] = []) throws -> UpstreamSession {
    var upstream = Upstream(name: try Values.upstream("r.test"), endpoints: [try Values.url("https://r.test")])
    upstream.realms = try realms.map { try #require(HostPattern($0)) }
    return UpstreamSession(upstream, UpstreamContext(client: registry, tokens: tokens, accounts: .forTests, now: { 0 }))
  }

  /// Returns the status of the response or of the redirect.
  private func send(_ upstream: UpstreamSession, headers: HTTPFields = [:]) async throws -> Int {
    switch try await upstream.send(.get, route, headers: headers) {
    case .response(let response): response.status
    case .redirect(let redirect): redirect.status
    }
  }

  /// Serves the manifest to requests with the token.
  private func protect(with token: String = "t", lifetime: Int = 300) {
    registry.on("GET \(Self.manifest)") { request throws(UpstreamError) in
      request.headers[.authorization] == "Bearer \(token)" ? .text("{}") : Self.challenge
    }
    registry.on("GET \(Self.realm)", .text(#"{"token":"\#(token)","expires_in":\#(lifetime)}"#))
  }

  @Test func `a manifest that needs no token is requested without one`() async throws {
    registry.on("GET \(Self.manifest)", .text("{}"))
    #expect(try await send(makeUpstream()) == 200)
    #expect(registry.log == ["GET \(Self.manifest)"])
    #expect(registry.requests.allSatisfy { $0.headers[.authorization] == nil })
    #expect(registry.requests.allSatisfy { $0.headers[.acceptEncoding] == "identity" })
  }

  @Test func `a 401 is followed by one request with a token, and the token is cached`() async throws {
    protect()
    let upstream = try makeUpstream()
    #expect(try await send(upstream) == 200)
    #expect(registry.log == ["GET \(Self.manifest)", "GET \(Self.realm)", "GET \(Self.manifest)"])
    #expect(try await send(upstream) == 200)
    #expect(registry.log.count == 4)
    #expect(registry.count(of: "GET \(Self.realm)") == 1)
  }

  @Test func `a second 401 is returned`() async throws {
    protect()
    registry.on("GET \(Self.manifest)", Self.challenge)
    #expect(try await send(makeUpstream()) == 401)
    #expect(registry.count(of: "GET \(Self.manifest)") == 2)
  }

  @Test func `a cached token that upstream refuses is renewed`() async throws {
    protect(with: "old")
    let upstream = try makeUpstream()
    #expect(try await send(upstream) == 200)
    protect(with: "new")
    #expect(try await send(upstream) == 200)
    #expect(registry.count(of: "GET \(Self.realm)") == 2)
    #expect(registry.requests.last?.headers[.authorization] == "Bearer new")
  }

  @Test func `a new token that upstream refuses is not replaced within a minute`() async throws {
    protect()
    registry.on("GET \(Self.manifest)", Self.challenge)
    let upstream = try makeUpstream()
    #expect(try await send(upstream) == 401)
    #expect(registry.log.count == 3)
    for _ in 0..<2 { #expect(try await send(upstream) == 401) }
    #expect(registry.log.suffix(2) == ["GET \(Self.manifest)", "GET \(Self.manifest)"])
    #expect(registry.log.count == 5)
    clock.advance(by: 60)
    protect(with: "new")
    #expect(try await send(upstream) == 200)
    #expect(registry.count(of: "GET \(Self.realm)") == 2)
  }

  @Test func `a refused token without lifetime is not replaced at once`() async throws {
    protect(lifetime: 0)
    registry.on("GET \(Self.manifest)", Self.challenge)
    let upstream = try makeUpstream()
    for _ in 0..<2 { #expect(try await send(upstream) == 401) }
    #expect(registry.count(of: "GET \(Self.manifest)") == 3)
    #expect(registry.count(of: "GET \(Self.realm)") == 2)
  }

  @Test(arguments: [(200, true), (404, true), (206, true), (403, false), (429, false), (500, false)])
  func `a success or a 404 shows that a token is accepted`(
    _ status: Int,
    _ isGood: Bool
  ) async throws {
    protect()
    registry.on("GET \(Self.manifest)") { request throws(UpstreamError) in
      request.headers[.authorization] == "Bearer t" ? FakeResponse(status) : Self.challenge
    }
    let upstream = try makeUpstream()
    #expect(try await send(upstream) == status)
    registry.on("GET \(Self.manifest)", Self.challenge)
    #expect(try await send(upstream) == 401)
    #expect(registry.count(of: "GET \(Self.realm)") == (isGood ? 2 : 1))
  }

  @Test(
    arguments: [
      ("https://auth.r.test/token", [], AddressRule.publicOr(allowed: [])),
      ("https://auth.r.test/token", ["r.test"], .publicOr(allowed: [])),
      ("https://auth.r.test/token", ["auth.r.test"], .any),
      ("https://r.test/token", [], .any),
      ("https://r.test:444/token", ["r.test:444"], .any),
      ("https://auth.other.test/token", ["other.test"], .publicOr(allowed: [])),
      ("https://auth.other.test/token", ["auth.other.test"], .any),
      ("https://10.0.0.1/token", ["10.0.0.1"], .any),
    ] as [(String, [String], AddressRule)]
  )
  func `a token service may have any address only if the operator named it`(
    _ realm: String,
    _ realms: [String],
    _ rule: AddressRule
  ) async throws {
    registry.on("GET \(Self.manifest)", .challenge("Bearer realm=\"\(realm)\""))
    _ = try? await send(makeUpstream(realms: realms))
    let request = try #require(registry.requests.first { $0.url.target.hasPrefix("/token") })
    #expect(request.addresses == rule)
    #expect(registry.requests.first?.addresses == .any)
  }

  @Test func `a failed token service is forgotten, and the next 401 names it again`() async throws {
    protect()
    let upstream = try makeUpstream()
    #expect(try await send(upstream) == 200)
    clock.advance(by: 300)
    registry.on("GET \(Self.realm)", FakeResponse(404))
    await #expect(throws: UpstreamError.self) { try await send(upstream) }
    let moved = "https://new.r.test/token"
    registry.on("GET \(Self.manifest)") { request throws(UpstreamError) in
      request.headers[.authorization] == "Bearer n" ? .text("{}") : .challenge(#"Bearer realm="\#(moved)""#)
    }
    registry.on("GET \(moved)?scope=repository%3Aa%3Apull", .text(#"{"token":"n"}"#))
    #expect(try await send(upstream) == 200)
  }

  @Test func `a token about to expire is renewed before its use`() async throws {
    protect(lifetime: 300)
    let upstream = try makeUpstream()
    #expect(try await send(upstream) == 200)
    clock.advance(by: 280)
    #expect(try await send(upstream) == 200)
    #expect(registry.log.suffix(2) == ["GET \(Self.realm)", "GET \(Self.manifest)"])
  }

  @Test func `a challenge that a 401 lacks is taken from the version root`() async throws {
    protect()
    registry.on("GET \(Self.manifest)") { request throws(UpstreamError) in
      request.headers[.authorization] == "Bearer t" ? .text("{}") : FakeResponse(401)
    }
    registry.on("GET https://r.test/v2/", Self.challenge)
    #expect(try await send(makeUpstream()) == 200)
    #expect(registry.count(of: "GET https://r.test/v2/") == 1)
  }

  @Test(arguments: [#"Basic realm="r""#, #"Bearer service="r""#, #"Bearer realm="/token""#])
  func `a 401 with an unusable challenge is returned`(_ challenge: String) async throws {
    registry.on("GET \(Self.manifest)", .challenge(challenge))
    #expect(try await send(makeUpstream()) == 401)
    #expect(registry.log == ["GET \(Self.manifest)"])
  }

  @Test(
    arguments: [
      ("https://evil.test/token", "another domain"), ("http://auth.r.test/token", "plain http"),
      ("https://169.254.169.254/token", "another domain"), ("https://r.test:444/token", "another port"),
    ]
  )
  func `a foreign realm is refused and never contacted`(_ realm: String, _ reason: String) async throws {
    registry.on("GET \(Self.manifest)", .challenge(#"Bearer realm="\#(realm)""#))
    let error = await #expect(throws: UpstreamError.self) { try await send(makeUpstream()) }
    #expect(error?.kind == .authentication)
    #expect(error?.reason.contains(reason) == true)
    #expect(registry.log == ["GET \(Self.manifest)"])
  }

  @Test func `a realm that the operator named is used`() async throws {
    let realm = "https://auth.other.test/token"
    registry.on("GET \(Self.manifest)") { request throws(UpstreamError) in
      request.headers[.authorization] == "Bearer t" ? .text("{}") : .challenge(#"Bearer realm="\#(realm)""#)
    }
    registry.on("GET \(realm)?scope=repository%3Aa%3Apull", .text(#"{"access_token":"t"}"#))
    #expect(try await send(makeUpstream(realms: ["other.test"])) == 200)
  }

  @Test(
    arguments: [
      (FakeResponse(403), UpstreamError.Kind.authentication, 403 as Int?),
      (FakeResponse(429, [.retryAfter: "7"]), .authentication, 429),
      (FakeResponse(307, [.location: "https://r.test/"]), .authentication, 307),
      (.text("{}"), .authentication, nil),
      (
        FakeResponse(200, [:], [[UInt8](repeating: 0x20, count: TokenResponse.maximumSize), [0x20]]), .authentication,
        nil
      ),
    ]
  )
  func `a token service that gives no token is an error`(
    _ response: FakeResponse,
    _ kind: UpstreamError.Kind,
    _ status: Int?
  ) async throws {
    protect()
    registry.on("GET \(Self.realm)", response)
    let error = await #expect(throws: UpstreamError.self) { try await send(makeUpstream()) }
    #expect(error?.kind == kind)
    #expect(error?.status == status)
    #expect(error?.retryAfter == response.headers[.retryAfter])
  }
}
