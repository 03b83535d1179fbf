internal import HTTPTypes

/// Gets tokens for one endpoint without credentials.
struct TokenSource: Sendable {
  /// The longest that a token may take, from the question to the last byte.
  private static let timeout: Duration = .seconds(20)

  let upstream: Upstream
  let endpoint: HTTPURL
  let client: any UpstreamClient
  let tokens: TokenCache

  /// A token for the scope, if the endpoint is known to want one.
  func cachedToken(for scope: Scope) async throws(UpstreamError) -> TokenCache.Token? {
    guard let service = tokens.service(of: endpoint) else { return nil }
    return try await token(for: scope, from: service)
  }

  /// The token service that a 401 names; `nil` when the endpoint has no Bearer challenge to answer.
  func service(named challenges: [Challenge]) async throws(UpstreamError) -> BearerService? {
    if let service = BearerService(challenges) { return service }
    // Some registries send the challenge with `/v2/` only.
    guard challenges.isEmpty else { return nil }
    return try await withDeadline(
      .now + Self.timeout,
      orTimeout: "\(endpoint.origin)/v2/ gave no whole answer in time"
    ) {
      () throws(UpstreamError) in try await serviceOfPing()
    }
  }

  /// A token that answers a 401, from the service that it names.
  /// - Parameter refused: the token that the 401 was the answer to.
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
    let base = endpoint.target.hasSuffix("/") ? String(endpoint.target.dropLast()) : endpoint.target
    let url = endpoint.replacingTarget(base + Route.ping.target)
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
    return try await tokens.token(for: key(scope)) {
      // A time of its own, since it is asked for all who wait, and a service can drip for ever.
      let reason = "the token service \(service.realm.redacted) gave no whole answer in time"
      do throws(UpstreamError) {
        let token = try await withDeadline(.now + Self.timeout, orTimeout: reason) { () throws(UpstreamError) in
          try await fetchToken(for: scope, from: service)
        }
        return .success(token)
      } catch {
        // Realms move: what was learned of this one is not to stand in the way.
        tokens.forget(service, of: endpoint)
        return .failure(error)
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
      throw UpstreamError(error.kind, "the token service \(realm) gave no answer: \(error.reason)")
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
