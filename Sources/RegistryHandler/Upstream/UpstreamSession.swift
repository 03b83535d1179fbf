package import HTTPTypes

/// The requests to one upstream on behalf of one client: tries the endpoints in turn and applies the redirect rules.
package struct UpstreamSession: Sendable {
  /// The end of a request and its redirects.
  package enum Outcome: Sendable {
    /// Any status but a redirect, from the endpoint or from a redirect's target.
    case response(UpstreamResponse)
    /// A redirect for the client to follow.
    case redirect(ClientRedirect)
  }

  /// The longest wait for the head of a response, in all: clients give up after 30 s.
  package static let responseTimeout: Duration = .seconds(25)

  /// The reason of a request that ran into its deadline.
  static let timeoutReason = "upstream did not respond in time"

  package let upstream: Upstream
  /// The mode of redirects to storage: passed to the client, or followed for it.
  package private(set) var mode: RedirectMode
  private let context: UpstreamContext
  private let via: Via
  private var isGated = true
  private var receiveBuffer = ReceiveBuffer.large

  /// - Parameter via: the proxies that the client's request came through.
  package init(
    _ upstream: Upstream,
    mode: RedirectMode = .passThrough,
    via: Via = Via(nil),
    _ context: UpstreamContext
  ) {
    self.upstream = upstream
    self.mode = mode
    self.via = via
    self.context = context
  }

  /// A session that follows redirects to storage.
  package var following: UpstreamSession {
    var copy = self
    copy.mode = .follow
    return copy
  }

  /// A session that follows redirects to storage and refuses no request: the client already has response headers.
  package var followingStorage: UpstreamSession {
    var copy = following
    copy.isGated = false
    return copy
  }

  /// A session whose responses are read as fast as one client takes them.
  package var forOneClient: UpstreamSession {
    var copy = self
    copy.receiveBuffer = .small
    return copy
  }

  /// Indicates whether all endpoints were silent lately, so that no client should wait for the request that tries them.
  package var isSilent: Bool { context.waiting != nil && isGated && context.health.areSilent(upstream.endpoints) }

  /// Tries the endpoints in order, recently failed ones last, until one gives a response that is not transient.
  ///
  /// If the last endpoint fails, an earlier failure with a status wins. The headers contain no credential of the
  /// client; `Authorization` is added here. Throws an error of kind `.notSent` if the request would only wait for a
  /// silent upstream, and one of kind `.timeout` past the deadline.
  package func send(
    _ method: HTTPRequest.Method,
    _ route: Route,
    headers: HTTPFields = [:],
    by deadline: ContinuousClock.Instant? = nil
  ) async throws(UpstreamError) -> Outcome {
    guard let deadline else { return try await sendGated(method, route, headers) }
    return try await withDeadline(deadline, orTimeout: Self.timeoutReason) { () throws(UpstreamError) in
      try await sendGated(method, route, headers)
    }
  }

  /// Sends a request to one endpoint, even if upstream is silent.
  /// - Parameter index: of the endpoint among the upstream's.
  package func send(
    _ method: HTTPRequest.Method,
    _ route: Route,
    headers: HTTPFields,
    toEndpoint index: Int,
    by deadline: ContinuousClock.Instant
  ) async throws(UpstreamError) -> Outcome {
    try await withDeadline(deadline, orTimeout: Self.timeoutReason) { () throws(UpstreamError) in
      try await send(EndpointRequest(method: method, route: route, headers: headers, upstream, index))
    }
  }

  private func sendGated(
    _ method: HTTPRequest.Method,
    _ route: Route,
    _ headers: HTTPFields
  ) async throws(UpstreamError) -> Outcome {
    guard isGated, let waiting = context.waiting else { return try await sendInOrder(method, route, headers) }
    let gate = UpstreamGate(upstream: upstream, health: context.health, waiting: waiting)
    return try await gate.run { () throws(UpstreamError) in try await sendInOrder(method, route, headers) }
  }

  private func sendInOrder(
    _ method: HTTPRequest.Method,
    _ route: Route,
    _ headers: HTTPFields
  ) async throws(UpstreamError) -> Outcome {
    var failure = UpstreamError(.unreachable, "\(upstream.name) has no endpoint")
    let order = context.health.order(upstream.endpoints)
    for index in order {
      do {
        let outcome = try await send(EndpointRequest(method: method, route: route, headers: headers, upstream, index))
        guard case .response(let response) = outcome, UpstreamError.isTransient(status: response.status),
          index != order.last
        else { return outcome }
        await response.body.discardBriefly()
        failure = UpstreamError(refusing: response, route)
      } catch  where error.isTransient {
        // A status says more than the failure of another endpoint to connect.
        if failure.status == nil { failure = error }
      }
    }
    throw failure
  }

  private func send(_ request: EndpointRequest) async throws(UpstreamError) -> Outcome {
    let transport = EndpointTransport(upstream: upstream, context: context, via: via, receiveBuffer: receiveBuffer)
    let follower = RedirectFollower(
      policy: RedirectPolicy(upstream.redirects, mode: mode),
      transport: transport,
      authentication: TokenAuthentication(transport: transport),
      now: context.now
    )
    return try await follower.send(request)
  }
}

/// A request to one endpoint of an upstream.
struct EndpointRequest: Sendable {
  let method: HTTPRequest.Method
  let route: Route
  let headers: HTTPFields
  let endpoint: HTTPURL
  /// The index of the endpoint among the upstream's.
  let endpointIndex: Int

  init(method: HTTPRequest.Method, route: Route, headers: HTTPFields, _ upstream: Upstream, _ index: Int) {
    self.method = method
    self.route = route
    self.headers = headers
    endpoint = upstream.endpoints[index]
    endpointIndex = index
  }

  var content: UpstreamRedirect.Content {
    if case .blob = route { .blob } else { .document }
  }
}
