internal import HTTPTypes

/// Sends a request to an endpoint and follows its redirects as far as the policy lets this proxy fetch their targets.
struct RedirectFollower: Sendable {
  let policy: RedirectPolicy
  let transport: EndpointTransport
  let authentication: TokenAuthentication
  /// The wall clock, in seconds since 1970.
  let now: @Sendable () -> Int64

  /// The attempts at one chain of redirects.
  private enum Attempt {
    case first
    /// An expired signature is final.
    case last
  }

  /// Follows the chain, once more with fresh signatures if the first ones have expired: upstreams cache redirects, too.
  func send(_ request: EndpointRequest) async throws(UpstreamError) -> UpstreamSession.Outcome {
    if let outcome = try await follow(request, .first) { return outcome }
    guard let outcome = try await follow(request, .last) else {
      throw UpstreamError(.invalidResponse, "upstream redirects to a signed URL that has expired")
    }
    return outcome
  }

  /// Follows the chain; `nil` if its signature has expired at the first attempt.
  private func follow(
    _ request: EndpointRequest,
    _ attempt: Attempt
  ) async throws(UpstreamError) -> UpstreamSession.Outcome? {
    var url = transport.upstream.url(for: request.route, at: request.endpoint)
    var target = RedirectTarget.sameOrigin
    var visited: [HTTPURL] = []
    while true {
      let response = try await send(request, to: url, target)
      guard (300..<400).contains(response.status) else {
        guard try await isExpired(response, request, url, target, attempt) else { return .response(response) }
        return nil
      }
      await response.body.discardBriefly()
      let redirect = UpstreamRedirect(
        status: response.status,
        location: response.headers[.location],
        method: request.method,
        content: request.content,
        endpoint: request.endpoint,
        requestURL: url,
        visited: visited
      )
      switch policy.action(for: redirect) {
      case .follow(let next, let nextTarget):
        visited.append(url)
        (url, target) = (next, nextTarget)
      case .passThrough(let redirect, _): return .redirect(redirect)
      case .refuse(let refusal): throw UpstreamError(.invalidResponse, refusal.description, status: response.status)
      }
      if attempt == .first, target != .sameOrigin, let expiry = SignedURLExpiry.expiry(of: url), expiry <= now() {
        return nil
      }
    }
  }

  /// Sends one request of the chain: with the token to the endpoint's origin, without any credential elsewhere.
  private func send(
    _ request: EndpointRequest,
    to url: HTTPURL,
    _ target: RedirectTarget
  ) async throws(UpstreamError) -> UpstreamResponse {
    var response =
      target == .sameOrigin
      ? try await authentication.send(request, to: url)
      : try await transport.sendElsewhere(request, to: url)
    response.endpoint = request.endpointIndex
    if target != .sameOrigin { response.redirectedTo = url.host }
    return response
  }

  /// Returns whether the chain needs a fresh signature, after the body has been discarded; throws at the last attempt.
  private func isExpired(
    _ response: UpstreamResponse,
    _ request: EndpointRequest,
    _ url: HTTPURL,
    _ target: RedirectTarget,
    _ attempt: Attempt
  ) async throws(UpstreamError) -> Bool {
    guard target != .sameOrigin, Self.mayHaveExpired(response, url) else { return false }
    if attempt == .last {
      // A refused HEAD may be a URL that was signed for GET; and for a document, a refusal is a response.
      guard request.method == .get, request.content == .blob else { return false }
      await response.body.discard()
      let reason = "\(url.host), to which upstream redirects, refused its URL twice"
      throw UpstreamError(.invalidResponse, reason, status: response.status)
    }
    await response.body.discard()
    return true
  }

  /// Returns whether storage may have refused an expired signature: most services respond 403, Google 400.
  private static func mayHaveExpired(_ response: UpstreamResponse, _ url: HTTPURL) -> Bool {
    response.status == 403 || (response.status == 400 && SignedURLExpiry.expiry(of: url) != nil)
  }
}
