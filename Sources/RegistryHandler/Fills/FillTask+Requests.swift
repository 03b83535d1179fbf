internal import HTTPTypes

extension FillTask {
  /// Where a client that has the beginning cannot be sent.
  static let redirectedAway = UpstreamError(
    .invalidResponse,
    "upstream broke off, and now redirects to a host that is not in 'storage_hosts:'"
  )

  /// The repository that is asked: this fill's, or the one that those are served from who read what another process began.
  var repository: UpstreamRepository {
    guard isStreaming, let origin = fill.progress.value.origin, origin.upstream == fill.repository.upstream else {
      return fill.repository
    }
    return origin
  }

  var route: Route { .blob(repository.name, fill.digest) }

  /// Upstream's answer, its head within the time that clients wait; the fill then makes way for another try.
  /// - Parameter endpoint: the place of the one endpoint to be asked for the rest; without it, the endpoints in their order.
  func answer(
    _ headers: HTTPFields = [:],
    fromEndpoint endpoint: Int? = nil
  ) async throws(UpstreamError) -> UpstreamSession.Answer {
    let (route, upstream) = (route, isStreaming ? upstream.followingStorage : upstream)
    let timeout = endpoint == nil && !isStreaming ? ProxyServices.answerTimeout : ResumeBackoff.timeout
    return try await withDeadline(.now + timeout, orTimeout: "upstream gave no answer in time") {
      () throws(UpstreamError) in
      guard let endpoint else { return try await upstream.send(.get, route, headers: headers) }
      return try await upstream.send(.get, route, headers: headers, toEndpoint: endpoint)
    }
  }

  /// Upstream's answer; where clients have a beginning already, as in a takeover, a failure that may pass is given its time.
  func firstAnswer(_ headers: HTTPFields) async throws(UpstreamError) -> UpstreamSession.Answer {
    var plan = ResumeBackoff(endpoints: 1, first: 0)
    while true {
      let failure: UpstreamError
      do throws(UpstreamError) {
        let answer = try await answer(headers)
        guard isStreaming, case .response(let response) = answer, UpstreamError.isTransient(status: response.status)
        else {
          return answer
        }
        await response.body.discardBriefly()
        failure = UpstreamError(refusing: response, route)
      } catch {
        guard isStreaming, error.isTransient else { throw error }
        failure = error
      }
      guard let next = plan.next(after: failure) else { throw failure }
      try? await Task.sleep(for: next.delay)
      if services.fills.removeIfAbandoned(fill) { throw .abandoned }
    }
  }
}

extension UpstreamResponse {
  /// How much of the body is there already where the rest of a blob was asked for, in bytes. What is no rest is read away, and
  /// the reason thrown.
  /// - Parameters:
  ///   - offset: the first byte that was asked for.
  ///   - size: of the whole as it was announced, in bytes.
  func skipped(_ route: Route, offset: Int64, size: Int64?) async throws(UpstreamError) -> Int64 {
    try refuseContentEncoding()
    switch ResumedResponse(self, route, offset: offset, size: size) {
    case .append: return 0
    case .skipBeginning: return offset
    case .tryAgain(let error), .giveUp(let error):
      await body.discardBriefly()
      throw error
    case .changed:
      await body.discardBriefly()
      throw ResumedResponse.changedError
    }
  }
}
