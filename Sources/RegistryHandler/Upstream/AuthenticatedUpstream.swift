package import HTTPTypes

/// An upstream with its tokens: sends a request with what upstream's challenge asks for, and applies the redirect rules.
package struct AuthenticatedUpstream: Sendable {
  /// What a request came to.
  package enum Answer: Sendable {
    /// Any status but a redirect, from the endpoint or a place on the same origin.
    case response(UpstreamResponse)
    /// A redirect that the client is to follow itself.
    case redirect(status: Int, location: String)
  }

  package let upstream: Upstream
  private let client: any UpstreamClient
  private let tokens: TokenCache

  package init(_ upstream: Upstream, client: any UpstreamClient, tokens: TokenCache) {
    self.upstream = upstream
    self.client = client
    self.tokens = tokens
  }

  /// Sends a request to the first endpoint that can be reached.
  ///
  /// The headers get no credential of the client; an `Authorization` is added here.
  package func send(
    _ method: HTTPRequest.Method,
    _ route: Route,
    headers: HTTPFields = [:]
  ) async throws(UpstreamError) -> Answer {
    var failure = UpstreamError(.unreachable, "\(upstream.name) has no endpoint")
    for endpoint in upstream.endpoints {
      do {
        return try await send(method, route, headers: headers, to: endpoint)
      } catch  where error.kind == .unreachable || error.kind == .timeout {
        failure = error
      }
    }
    throw failure
  }

  private func send(
    _ method: HTTPRequest.Method,
    _ route: Route,
    headers: HTTPFields,
    to endpoint: HTTPURL
  ) async throws(UpstreamError) -> Answer {
    let base = endpoint.target.hasSuffix("/") ? String(endpoint.target.dropLast()) : endpoint.target
    var url = endpoint.replacingTarget(base + route.target)
    var hops: [HTTPURL] = []
    while true {
      let response = try await sendAuthenticated(method, url, route, headers: headers, endpoint: endpoint)
      guard (300..<400).contains(response.status) else { return .response(response) }
      await response.body.discard()
      hops.append(url)
      let location = response.headers[.location]
      switch RedirectPolicy().action(
        status: response.status,
        location: location,
        request: url,
        endpoint: endpoint,
        hops: hops
      ) {
      case .follow(let target): url = target
      case .passThrough(let location): return .redirect(status: response.status, location: location)
      case .refuse(let refusal): throw UpstreamError(.invalidAnswer, refusal.description, status: response.status)
      }
    }
  }

  /// One request with the token there is; on a 401 a new token is asked for, once.
  private func sendAuthenticated(
    _ method: HTTPRequest.Method,
    _ url: HTTPURL,
    _ route: Route,
    headers: HTTPFields,
    endpoint: HTTPURL
  ) async throws(UpstreamError) -> UpstreamResponse {
    let authorizer = Authorizer(upstream: upstream, endpoint: endpoint, client: client, tokens: tokens)
    let scope = route.repository.map(Scope.pull)
    let token = if let scope { try await authorizer.knownToken(for: scope) } else { String?.none }
    let response = try await execute(method, url, headers: headers, token: token)
    guard response.status == 401, let scope else { return response }
    await response.body.discard()
    let challenges = Challenge.parse(response.headers[values: .wwwAuthenticate])
    guard let renewed = try await authorizer.token(for: scope, answering: challenges, replacing: token) else {
      return response
    }
    return try await execute(method, url, headers: headers, token: renewed)
  }

  private func execute(
    _ method: HTTPRequest.Method,
    _ url: HTTPURL,
    headers: HTTPFields,
    token: String?
  ) async throws(UpstreamError) -> UpstreamResponse {
    var headers = headers
    headers[.acceptEncoding] = "identity"
    if let token { headers[.authorization] = "Bearer \(token)" }
    return try await client.execute(
      UpstreamRequest(method: method, url: url, headers: headers, caFile: upstream.caFile)
    )
  }
}

extension AuthenticatedUpstream.Answer {
  var isUnauthorized: Bool {
    if case .response(let response) = self { response.status == 401 } else { false }
  }

  var isRedirect: Bool {
    if case .redirect = self { true } else { false }
  }

  /// Reads what nobody needs of the answer.
  func discard() async {
    if case .response(let response) = self { await response.body.discard() }
  }
}
