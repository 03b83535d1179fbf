internal import HTTPTypes

/// Sends one request with what the endpoint wants in `Authorization`, and once more with something new after a 401.
struct TokenAuthentication: Sendable {
  let transport: EndpointTransport

  func send(_ request: EndpointRequest, to url: HTTPURL) async throws(UpstreamError) -> UpstreamResponse {
    let source = TokenSource(upstream: transport.upstream, endpoint: request.endpoint, context: transport.context)
    let scope = request.route.repository.map(Scope.pull)
    let first = try await source.knownAuthorization(for: scope)
    let response = try await transport.send(request, to: url, first)
    guard response.status == 401, let scope, isAnotherWorthwhile(after: first) else { return response }
    let challenges = Challenge.parse(response.headers[values: .wwwAuthenticate])
    // A 401 without a usable challenge is returned unread: its body is read once, by the caller.
    guard let scheme = try await source.scheme(named: challenges) else { return response }
    await response.body.discardBriefly()
    switch (scheme, first) {
    case (.bearer(let service), _):
      var refused: TokenCache.Token?
      if case .token(let token) = first { refused = token }
      let token = try await source.token(for: scope, from: service, replacing: refused)
      return try await transport.send(request, to: url, .token(token))
    case (.basic, .account): throw source.accountRefused(by: request.endpoint)
    case (.basic, _):
      guard let credentials = try await source.credentials() else {
        throw UpstreamError(.authentication, "upstream wants an account", status: 401)
      }
      let second = try await transport.send(request, to: url, .account(credentials))
      guard second.status == 401 else {
        source.remember(.basic)
        return second
      }
      await second.body.discardBriefly()
      throw source.accountRefused(by: request.endpoint)
    }
  }

  /// Returns whether a 401 may have another answer.
  private func isAnotherWorthwhile(after first: Authorization?) -> Bool {
    if case .token(let token) = first { transport.context.tokens.isWorthReplacing(token) } else { true }
  }
}
