internal import HTTPTypes

/// Sends one request with the endpoint's token, and once more with a new token after a 401.
struct TokenAuthentication: Sendable {
  let transport: EndpointTransport

  func send(_ request: EndpointRequest, to url: HTTPURL) async throws(UpstreamError) -> UpstreamResponse {
    let tokens = transport.context.tokens
    let source = TokenSource(
      upstream: transport.upstream,
      endpoint: request.endpoint,
      client: transport.context.client,
      tokens: tokens
    )
    let scope = request.route.repository.map(Scope.pull)
    let token = if let scope { try await source.cachedToken(for: scope) } else { TokenCache.Token?.none }
    let response = try await transport.send(request, to: url, token: token)
    guard response.status == 401, let scope, token.map(tokens.isWorthReplacing) ?? true else { return response }
    let challenges = Challenge.parse(response.headers[values: .wwwAuthenticate])
    // A 401 without a usable challenge is returned unread: its body is read once, by the caller.
    guard let service = try await source.service(named: challenges) else { return response }
    await response.body.discardBriefly()
    let renewed = try await source.token(for: scope, from: service, replacing: token)
    return try await transport.send(request, to: url, token: renewed)
  }
}
