package import HTTPTypes

/// An upstream with its tokens: sends a request with what upstream's challenge asks for, and applies the redirect rules.
package struct UpstreamSession: Sendable {
  /// What a request came to.
  package enum Answer: Sendable {
    /// Any status but a redirect, from the endpoint or from where its redirects led.
    case response(UpstreamResponse)
    /// A redirect that the client is to follow itself.
    case redirect(ClientRedirect)

    fileprivate func from(endpoint index: Int) -> Answer {
      guard case .response(var response) = self else { return self }
      response.endpoint = index
      return .response(response)
    }
  }

  package let upstream: Upstream
  /// What becomes of redirects to storage for the client that asks.
  package private(set) var mode: RedirectMode
  private let client: any UpstreamClient
  private let tokens: TokenCache
  private let health: EndpointHealth
  /// Without it, no request is refused.
  private var gate: UpstreamGate?
  private let via: String?
  private let now: @Sendable () -> Int64
  private var receiveBuffer = ReceiveBuffer.large

  /// - Parameters:
  ///   - waiting: the requests that wait for upstreams, where there may be too many.
  ///   - via: the value of `Via` that requests have.
  ///   - now: seconds since 1970.
  package init(
    _ upstream: Upstream,
    mode: RedirectMode = .passThrough,
    client: any UpstreamClient,
    tokens: TokenCache,
    health: EndpointHealth = EndpointHealth(),
    waiting: WaitingRequests? = nil,
    via: String? = nil,
    now: @escaping @Sendable () -> Int64
  ) {
    self.upstream = upstream
    self.mode = mode
    self.client = client
    self.tokens = tokens
    self.health = health
    gate = waiting.map { UpstreamGate(upstream: upstream, health: health, waiting: $0) }
    self.via = via
    self.now = now
  }

  /// The same, for a blob whose head may be out already: its storage is followed, as its client can be sent nowhere, and
  /// no request is refused.
  package var followingStorage: UpstreamSession {
    var copy = self
    copy.mode = .follow
    copy.gate = nil
    return copy
  }

  /// The same, for an answer that goes to one client as fast as that takes it.
  package var forOneClient: UpstreamSession {
    var copy = self
    copy.receiveBuffer = .small
    return copy
  }

  /// Whether upstream was silent lately, so that nobody should wait for the request that tries it.
  package var isSilent: Bool { gate != nil && health.areSilent(upstream.endpoints) }

  /// Sends a request to the endpoints in their order, those last that gave no answer lately, until one has an answer that
  /// is not of the moment, and on to where it redirects. The last one's answer counts, whatever it is; where it gives none,
  /// what another one has said does.
  ///
  /// The headers get no credential of the client; an `Authorization` is added here. Throws an error of kind `.notSent` where
  /// the request would only wait for an upstream that does not answer.
  package func send(
    _ method: HTTPRequest.Method,
    _ route: Route,
    headers: HTTPFields = [:]
  ) async throws(UpstreamError) -> Answer {
    guard let gate else { return try await sendInOrder(method, route, headers) }
    return try await gate.run { () throws(UpstreamError) in try await sendInOrder(method, route, headers) }
  }

  private func sendInOrder(
    _ method: HTTPRequest.Method,
    _ route: Route,
    _ headers: HTTPFields
  ) async throws(UpstreamError) -> Answer {
    var failure = UpstreamError(.unreachable, "\(upstream.name) has no endpoint")
    let order = health.order(upstream.endpoints)
    for index in order {
      do {
        let answer = try await send(method, route, headers: headers, toEndpoint: index)
        guard case .response(let response) = answer, UpstreamError.isTransient(status: response.status),
          index != order.last
        else { return answer }
        await response.body.discardBriefly()
        failure = UpstreamError(refusing: response, route)
      } catch  where error.isTransient {
        // What an endpoint has said tells more than that another one cannot be reached.
        if failure.status == nil { failure = error }
      }
    }
    throw failure
  }

  /// Sends a request to one endpoint, and on to where it redirects; it is not refused.
  /// - Parameter index: its place among the upstream's.
  package func send(
    _ method: HTTPRequest.Method,
    _ route: Route,
    headers: HTTPFields,
    toEndpoint index: Int
  ) async throws(UpstreamError) -> Answer {
    let question = Question(method: method, route: route, headers: headers, endpoint: upstream.endpoints[index])
    return try await answer(to: question).from(endpoint: index)
  }

  private func answer(to question: Question) async throws(UpstreamError) -> Answer {
    // A signature may have ended since upstream gave it, as it keeps its redirects too: once, a fresh one is asked for.
    if let answer = try await ask(question, isLastTry: false) { return answer }
    guard let answer = try await ask(question, isLastTry: true) else {
      throw UpstreamError(.invalidResponse, "upstream redirects to a signed URL that has expired")
    }
    return answer
  }

  private struct Question: Sendable {
    let method: HTTPRequest.Method
    let route: Route
    let headers: HTTPFields
    let endpoint: HTTPURL

    var content: UpstreamRedirect.Content {
      if case .blob = route { .blob } else { .document }
    }
  }

  /// Asks, and goes where the redirects lead; `nil` when what they lead to has expired, unless it is the last try.
  private func ask(_ question: Question, isLastTry: Bool) async throws(UpstreamError) -> Answer? {
    let endpoint = question.endpoint
    let base = endpoint.target.hasSuffix("/") ? String(endpoint.target.dropLast()) : endpoint.target
    var url = endpoint.replacingTarget(base + question.route.target)
    var target = RedirectTarget.sameOrigin
    var visited: [HTTPURL] = []
    while true {
      var response = try await send(question, to: url, target)
      if target != .sameOrigin { response.redirectedTo = url.host }
      guard (300..<400).contains(response.status) else {
        guard target != .sameOrigin, Self.mayHaveExpired(response, url) else { return .response(response) }
        if !isLastTry {
          await response.body.discard()
          return nil
        }
        // A refused HEAD may be a URL that was signed for GET; and for a document, a refusal is an answer.
        guard question.method == .get, question.content == .blob else { return .response(response) }
        await response.body.discard()
        let reason = "\(url.host), to which upstream redirects, refused its URL twice"
        throw UpstreamError(.invalidResponse, reason, status: response.status)
      }
      await response.body.discardBriefly()
      let redirect = UpstreamRedirect(
        status: response.status,
        location: response.headers[.location],
        method: question.method,
        content: question.content,
        endpoint: endpoint,
        requestURL: url,
        visited: visited
      )
      switch RedirectPolicy(upstream.redirects, mode: mode).action(for: redirect) {
      case .follow(let next, let whose):
        visited.append(url)
        (url, target) = (next, whose)
      case .passThrough(let redirect, _): return .redirect(redirect)
      case .refuse(let refusal): throw UpstreamError(.invalidResponse, refusal.description, status: response.status)
      }
      if !isLastTry, target != .sameOrigin, let end = SignedURLExpiry.expiry(of: url), end <= now() { return nil }
    }
  }

  /// One request of a chain: with the token where it is the endpoint's, else without any credential.
  private func send(
    _ question: Question,
    to url: HTTPURL,
    _ target: RedirectTarget
  ) async throws(UpstreamError) -> UpstreamResponse {
    guard target == .sameOrigin else {
      return try await execute(question.method, url, headers: question.headers, token: nil, upstream.namedAddresses)
    }
    return try await sendAuthenticated(question, to: url)
  }

  /// How storage refuses a signature that has ended: most by 403, Google by 400.
  private static func mayHaveExpired(_ response: UpstreamResponse, _ url: HTTPURL) -> Bool {
    response.status == 403 || (response.status == 400 && SignedURLExpiry.expiry(of: url) != nil)
  }

  /// One request with the token there is; on a 401 a new token is asked for, once.
  private func sendAuthenticated(
    _ question: Question,
    to url: HTTPURL
  ) async throws(UpstreamError) -> UpstreamResponse {
    let authorizer = TokenSource(upstream: upstream, endpoint: question.endpoint, client: client, tokens: tokens)
    let scope = question.route.repository.map(Scope.pull)
    let token = if let scope { try await authorizer.cachedToken(for: scope) } else { TokenCache.Token?.none }
    let response = try await executeAtEndpoint(question, url, token: token)
    guard response.status == 401, let scope, token.map(tokens.isWorthReplacing) ?? true else { return response }
    let challenges = Challenge.parse(response.headers[values: .wwwAuthenticate])
    // Passed on as it came: its body is read once, by the caller.
    guard let service = try await authorizer.service(named: challenges) else { return response }
    await response.body.discardBriefly()
    let renewed = try await authorizer.token(for: scope, from: service, replacing: token)
    return try await executeAtEndpoint(question, url, token: renewed)
  }

  /// Whether a token was good for what it came with.
  private static func isAcceptance(_ status: Int) -> Bool { status < 400 || status == 404 }

  /// Who has less time than a connection may take gives up before that is known to fail.
  private static let minimumSilence: Duration = .seconds(4)

  /// One request to the endpoint itself, which is remembered as well or not.
  private func executeAtEndpoint(
    _ question: Question,
    _ url: HTTPURL,
    token: TokenCache.Token?
  ) async throws(UpstreamError) -> UpstreamResponse {
    let start = health.now()
    do {
      let response = try await execute(question.method, url, headers: question.headers, token: token?.value)
      health.noteAnswer(of: question.endpoint)
      if Self.isAcceptance(response.status) { token?.noteAcceptance() }
      return response
    } catch {
      switch error.kind {
      case .timeout: health.noteSilence(of: question.endpoint, since: start)
      case .cancelled where health.now() - start >= Self.minimumSilence:
        health.noteSilence(of: question.endpoint, since: start)
      case .unreachable: health.noteFailure(of: question.endpoint)
      default: break
      }
      throw error
    }
  }

  private func execute(
    _ method: HTTPRequest.Method,
    _ url: HTTPURL,
    headers: HTTPFields,
    token: String?,
    _ addresses: AddressRule = .any
  ) async throws(UpstreamError) -> UpstreamResponse {
    var headers = headers
    headers[.acceptEncoding] = "identity"
    headers[.via] = via
    if let token { headers[.authorization] = "Bearer \(token)" }
    var request = UpstreamRequest(
      method: method,
      url: url,
      headers: headers,
      caFile: upstream.caFile,
      addresses: addresses
    )
    request.receiveBuffer = receiveBuffer
    return try await client.execute(request)
  }
}
