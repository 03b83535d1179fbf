internal import HTTPTypes

/// The source of tokens for one endpoint: its challenge names a service, which issues them without credentials.
struct TokenSource: Sendable {
  /// The longest time from the request for a token to its last byte.
  private static let timeout: Duration = .seconds(20)

  let upstream: Upstream
  let endpoint: HTTPURL
  let client: any UpstreamClient
  let tokens: TokenCache

  /// Returns a token for the scope, cached or new, if the endpoint is known to require one.
  func cachedToken(for scope: Scope) async throws(UpstreamError) -> TokenCache.Token? {
    guard let service = tokens.service(of: endpoint) else { return nil }
    return try await token(for: scope, from: service)
  }

  /// Returns the token service that a 401 names; `nil` when the endpoint sends no usable Bearer challenge.
  func service(named challenges: [Challenge]) async throws(UpstreamError) -> BearerService? {
    if let service = BearerService(challenges) { return service }
    // Some registries send the challenge only with `/v2/`.
    guard challenges.isEmpty else { return nil }
    return try await withDeadline(
      .now + Self.timeout,
      orTimeout: "\(endpoint.origin)/v2/ did not respond completely in time"
    ) {
      () throws(UpstreamError) in try await serviceOfPing()
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
    tokens.remember(service, of: endpoint)
    return token
  }

  private func serviceOfPing() async throws(UpstreamError) -> BearerService? {
    let url = upstream.url(for: .ping, at: endpoint)
    let response = try await client.execute(UpstreamRequest(method: .get, url: url, caFile: upstream.caFile))
    await response.body.discard()
    guard response.status == 401 else { return nil }
    return BearerService(Challenge.parse(response.headers[values: .wwwAuthenticate]))
  }

  private func key(_ scope: Scope) -> TokenCache.Key {
    TokenCache.Key(upstream: upstream.name, endpoint: endpoint, scope: scope)
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
        tokens.forget(service, of: endpoint)
        throw error
      }
    }
  }

  private func fetchToken(for scope: Scope, from service: BearerService) async throws(UpstreamError) -> TokenResponse {
    let realm = service.realm.redacted
    let isWrittenDown = RealmPolicy.isWrittenDown(service.realm, endpoint: endpoint, realms: upstream.realms)
    let request = UpstreamRequest(
      method: .get,
      url: service.tokenURL(for: scope),
      caFile: upstream.caFile,
      addresses: isWrittenDown ? .any : upstream.namedAddresses
    )
    let response: UpstreamResponse
    do {
      response = try await client.execute(request)
    } catch {
      throw UpstreamError(error.kind, "the token service \(realm) did not respond: \(error.reason)")
    }
    let body = try await response.body.collect(upTo: TokenResponse.maximumSize)
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
