internal import HTTPTypes

/// The source of tokens for one endpoint: its challenge names a service, which issues them, to the operator's account if
/// the upstream has one.
struct TokenSource: Sendable {
  /// The longest time from the request for a token to its last byte.
  private static let timeout: Duration = .seconds(20)

  let upstream: Upstream
  let endpoint: HTTPURL
  let context: UpstreamContext

  private var tokens: TokenCache { context.tokens }

  /// Returns what the endpoint is known to want: a token for the scope, cached or new, or the account.
  func knownAuthorization(for scope: Scope?) async throws(UpstreamError) -> Authorization? {
    switch tokens.scheme(of: endpoint) {
    case .bearer(let service):
      guard let scope else { return nil }
      return .token(try await token(for: scope, from: service))
    case .basic: return try await credentials().map { .account($0) }
    case nil: return nil
    }
  }

  /// Returns the credentials of the account; `nil` for an upstream without one.
  ///
  /// Throws the error of an account that has none, or that was refused lately.
  func credentials() async throws(UpstreamError) -> Credentials? {
    guard let account = upstream.account else { return nil }
    if let refusal = context.accounts.refusal(of: account, at: upstream.name) { throw refusal }
    do throws(CredentialFailure) {
      return try await account.credentials()
    } catch {
      throw context.accounts.record(error, of: account, at: upstream.name)
    }
  }

  /// Remembers that a URL refused the account, and returns the error.
  func accountRefused(by url: HTTPURL) -> UpstreamError {
    guard let account = upstream.account else {
      return UpstreamError(.authentication, "\(url.redacted) wants an account", status: 401)
    }
    return context.accounts.record(account, at: upstream.name, by: url.redacted)
  }

  func remember(_ scheme: AuthenticationScheme) { tokens.remember(scheme, of: endpoint) }

  /// Returns the scheme that a 401 names; `nil` when the endpoint sends no usable challenge.
  func scheme(named challenges: [Challenge]) async throws(UpstreamError) -> AuthenticationScheme? {
    if let scheme = AuthenticationScheme(challenges, hasAccount: upstream.account != nil) { return scheme }
    // Some registries send the challenge only with `/v2/`.
    guard challenges.isEmpty else { return nil }
    return try await withDeadline(
      .now + Self.timeout,
      orTimeout: "\(endpoint.origin)/v2/ did not respond completely in time"
    ) {
      () throws(UpstreamError) in try await schemeOfPing()
    }
  }

  /// Requests a token from the service that a 401 named.
  /// - Parameter refused: the token that the 401 refused.
  func token(
    for scope: Scope,
    from service: BearerService,
    replacing refused: TokenCache.Token?
  ) async throws(UpstreamError) -> TokenCache.Token {
    if let refused { tokens.discard(refused, for: key(scope)) }
    let token = try await token(for: scope, from: service)
    tokens.remember(.bearer(service), of: endpoint)
    return token
  }

  private func schemeOfPing() async throws(UpstreamError) -> AuthenticationScheme? {
    let url = upstream.url(for: .ping, at: endpoint)
    let response = try await context.client.execute(
      UpstreamRequest(method: .get, url: url, caFile: upstream.caFile, proxy: upstream.proxies.proxy(for: url))
    )
    await response.body.discard()
    guard response.status == 401 else { return nil }
    let challenges = Challenge.parse(response.headers[values: .wwwAuthenticate])
    return AuthenticationScheme(challenges, hasAccount: upstream.account != nil)
  }

  private func key(_ scope: Scope) -> TokenCache.Key {
    TokenCache.Key(upstream: upstream.name, endpoint: endpoint, scope: scope, account: upstream.account?.name)
  }

  private func token(
    for scope: Scope,
    from service: BearerService
  ) async throws(UpstreamError) -> TokenCache.Token {
    do {
      try RealmPolicy.check(service.realm, endpoint: endpoint, realms: upstream.realms)
    } catch {
      throw UpstreamError(.authentication, error.description)
    }
    return try await tokens.token(for: key(scope)) { () throws(UpstreamError) in
      // A deadline of its own, since the request serves all waiting clients, and a service can drip forever.
      let reason = "the token service \(service.realm.redacted) did not respond completely in time"
      do throws(UpstreamError) {
        return try await withDeadline(.now + Self.timeout, orTimeout: reason) { () throws(UpstreamError) in
          try await fetchToken(for: scope, from: service)
        }
      } catch {
        // Realms move: the next 401 has to name the new one.
        tokens.forget(.bearer(service), of: endpoint)
        throw error
      }
    }
  }

  private func fetchToken(for scope: Scope, from service: BearerService) async throws(UpstreamError) -> TokenResponse {
    let realm = service.realm.redacted
    let isWrittenDown = RealmPolicy.isWrittenDown(service.realm, endpoint: endpoint, realms: upstream.realms)
    var headers: HTTPFields = [:]
    let credentials = try await credentials()
    headers[.authorization] = credentials?.authorization
    let request = UpstreamRequest(
      method: .get,
      url: service.tokenURL(for: scope, account: credentials?.username),
      headers: headers,
      caFile: upstream.caFile,
      addresses: isWrittenDown ? .any : upstream.namedAddresses,
      proxy: upstream.proxies.proxy(for: service.realm)
    )
    let response: UpstreamResponse
    do {
      response = try await context.client.execute(request)
    } catch {
      throw UpstreamError(error.kind, "the token service \(realm) did not respond: \(error.reason)")
    }
    let body = try await response.body.collect(upTo: TokenResponse.maximumSize)
    // Other refusals concern the scope.
    if response.status == 401, upstream.account != nil { throw accountRefused(by: service.realm) }
    guard response.status == 200 else {
      throw UpstreamError(
        .authentication,
        "the token service \(realm) answered \(response.status)",
        status: response.status,
        retryAfter: response.headers[.retryAfter]
      )
    }
    guard let body, let token = TokenResponse(json: body) else {
      throw UpstreamError(.authentication, "the token service \(realm) sent no usable token")
    }
    return token
  }
}
