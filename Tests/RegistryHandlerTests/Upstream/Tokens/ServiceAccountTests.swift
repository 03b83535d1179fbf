internal import HTTPTypes
internal import Logging
internal import Testing

@testable internal import RegistryHandler

/// Table "Accounts" of `docs/rules/tokens.md`.
struct ServiceAccountTests {
  private static let manifest = "GET https://r.test/v2/a/manifests/v1"
  private static let realm =
    "GET https://auth.r.test/token?account=robot&service=r&scope=repository%3Aa%3Apull"
  private static let bearer = FakeResponse.challenge(#"Bearer realm="https://auth.r.test/token",service="r""#)
  private static let basic = FakeResponse.challenge(#"Basic realm="r""#)
  private static let account = "Basic cm9ib3Q6cGxhbnRlZA=="

  private let registry = FakeUpstream()
  private let clock = ManualClock()
  private let context: UpstreamContext
  private let route: Route

  init() throws {
    context = UpstreamContext(
      client: registry,
      tokens: TokenCache(executor: .forTests) { [clock] in clock.now },
      accounts: RefusedAccounts(logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { [clock] in clock.now
      },
      now: { 0 }
    )
    route = .manifest(try Values.repository("a"), .tag(try Values.tag("v1")))
  }

  private func makeSession(
    account: ServiceAccount? = nil,
    isAnonymous: Bool = false,
    adjust: (inout Upstream) -> Void = { _ in }
  ) throws -> UpstreamSession {
    var upstream = Upstream(name: try Values.upstream("r.test"), endpoints: [try Values.url("https://r.test")])
    let credentials = try #require(Credentials(username: "robot", password: "planted"))
    upstream.account = isAnonymous ? nil : account ?? ServiceAccount(credentials)
    adjust(&upstream)
    return UpstreamSession(upstream, context)
  }

  private func send(_ session: UpstreamSession) async throws(UpstreamError) -> Int {
    switch try await session.send(.get, route) {
    case .response(let response): response.status
    case .redirect(let redirect): redirect.status
    }
  }

  /// Serves the manifest to requests with this header, and challenges others.
  private func protect(by challenge: FakeResponse, for authorization: String) {
    registry.on(Self.manifest) { request throws(UpstreamError) in
      request.headers[.authorization] == authorization ? .text("{}") : challenge
    }
  }

  @Test func `a token service gets the account, the registry the token`() async throws {
    protect(by: Self.bearer, for: "Bearer t")
    registry.on(Self.realm) { request throws(UpstreamError) in
      request.headers[.authorization] == Self.account ? .text(#"{"token":"t"}"#) : FakeResponse(401)
    }
    let session = try makeSession()
    #expect(try await send(session) == 200)
    #expect(registry.log == [Self.manifest, Self.realm, Self.manifest])
    #expect(try await send(session) == 200)
    #expect(registry.count(of: Self.realm) == 1)
    #expect(registry.requests.allSatisfy { $0.url.host == "auth.r.test" || $0.headers[.authorization] != Self.account })
  }

  @Test func `a Basic registry gets the account, after its first challenge with every request`() async throws {
    protect(by: Self.basic, for: Self.account)
    let session = try makeSession()
    #expect(try await send(session) == 200)
    #expect(registry.requests.map { $0.headers[.authorization] } == [nil, Self.account])
    #expect(try await send(session) == 200)
    #expect(registry.requests.count == 3)
    #expect(registry.requests.last?.headers[.authorization] == Self.account)
  }

  @Test func `an anonymous worker gives up at a Basic registry`() async throws {
    protect(by: Self.basic, for: Self.account)
    #expect(try await send(makeSession(isAnonymous: true)) == 401)
    #expect(registry.requests.allSatisfy { $0.headers[.authorization] == nil })
  }

  /// The account is refused by the token service, or by the registry itself.
  @Test(arguments: [true, false])
  func `a refused account is not tried again for five seconds`(_ hasService: Bool) async throws {
    protect(by: hasService ? Self.bearer : Self.basic, for: "nothing")
    registry.on(Self.realm, FakeResponse(401))
    let session = try makeSession()
    for _ in 0..<20 {
      let error = await #expect(throws: UpstreamError.self) { try await send(session) }
      #expect(error?.kind == .authentication && error?.status == nil)
      #expect(error?.reason.contains("refuses the account 'robot': correct 'auth:' of r.test") == true)
      #expect(error?.reason.contains("planted") == false)
    }
    let used = { registry.requests.count { $0.headers[.authorization] == Self.account } }
    #expect(used() == 1)
    clock.advance(by: 5)
    await #expect(throws: UpstreamError.self) { try await send(session) }
    #expect(used() == 2)
  }

  @Test func `a scope that the account has no right to concerns that content only`() async throws {
    protect(by: Self.bearer, for: "Bearer t")
    registry.on(Self.realm, FakeResponse(403))
    let session = try makeSession()
    for _ in 0..<2 {
      let error = await #expect(throws: UpstreamError.self) { try await send(session) }
      #expect(error?.status == 403)
    }
    #expect(registry.count(of: Self.realm) == 2)
  }

  @Test(arguments: ["https://auth.evil.test/token", "http://auth.r.test/token", "https://r.test:444/token"])
  func `a realm that the policy refuses does not get the account`(_ realm: String) async throws {
    registry.on(Self.manifest, FakeResponse.challenge(#"Bearer realm="\#(realm)",service="r""#))
    await #expect(throws: UpstreamError.self) { try await send(makeSession()) }
    #expect(registry.requests.count == 1)
    #expect(registry.requests.allSatisfy { $0.headers[.authorization] == nil })
  }

  @Test(arguments: ["https://cdn.r.test/x", "https://r.test:444/x", "http://r.test/x"])
  func `the target of a redirect to another origin does not get the account`(_ target: String) async throws {
    registry.on(Self.manifest) { request throws(UpstreamError) in
      request.headers[.authorization] == Self.account ? FakeResponse(307, [.location: target]) : Self.basic
    }
    registry.on("GET \(target)", .text("{}"))
    _ = try? await send(makeSession { $0.redirects.internalHosts = [HostPattern("cdn.r.test")].compactMap { $0 } })
    #expect(registry.requests.count >= 2)
    for request in registry.requests where request.url.description == target {
      #expect(request.headers[.authorization] == nil)
    }
  }

  @Test func `an account without credentials is an error that names the reason, and upstream is not asked again`()
    async throws
  {
    protect(by: Self.basic, for: Self.account)
    let account = ServiceAccount(name: "of a helper") { () throws(CredentialFailure) in
      throw CredentialFailure(reason: "it is broken")
    }
    let session = try makeSession(account: account)
    let error = await #expect(throws: UpstreamError.self) { try await send(session) }
    #expect(error?.reason == "the account of a helper of r.test cannot be used: it is broken")
  }

  @Test func `a refused account drops the credentials that its source has cached`() async throws {
    protect(by: Self.basic, for: "nothing")
    let credentials = try #require(Credentials(username: "robot", password: "planted"))
    let discarded = Observed(0)
    let account = ServiceAccount(name: "of a helper") {
      discarded.update { $0 += 1 }
    } source: { () throws(CredentialFailure) in
      credentials
    }
    let session = try makeSession(account: account)
    for _ in 0..<3 { await #expect(throws: UpstreamError.self) { try await send(session) } }
    #expect(discarded.value == 1)
  }

  @Test func `a token of one account is not used for another, nor without one`() async throws {
    protect(by: Self.bearer, for: "Bearer t")
    registry.on(Self.realm, .text(#"{"token":"t"}"#))
    let anonymousRealm = "GET https://auth.r.test/token?service=r&scope=repository%3Aa%3Apull"
    registry.on(anonymousRealm, .text(#"{"token":"public"}"#))
    #expect(try await send(makeSession()) == 200)
    #expect(try await send(makeSession(isAnonymous: true)) == 401)
    #expect(registry.count(of: anonymousRealm) == 1)
    #expect(registry.requests.last?.headers[.authorization] == "Bearer public")
  }
}
