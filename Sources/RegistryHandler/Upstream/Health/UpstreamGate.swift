/// Lets requests through to an upstream, or refuses them at once if they would only wait.
struct UpstreamGate: Sendable {
  let upstream: Upstream
  let health: EndpointHealth
  let waiting: WaitingRequests

  /// Runs a request up to the head of its response.
  ///
  /// Throws an error of kind `.notSent` instead if too many requests wait for upstream, or another one tries a silent
  /// upstream.
  func run<Value>(
    _ request: () async throws(UpstreamError) -> Value
  ) async throws(UpstreamError) -> Value {
    guard let ticket = waiting.enter(upstream.name) else {
      throw UpstreamError(.notSent, "too many requests wait for upstream: try again shortly")
    }
    defer { waiting.leave(upstream.name, ticket) }
    let admission = health.admit(to: upstream.endpoints)
    defer {
      if case .trial(let begun) = admission { health.endTrial(of: upstream.endpoints, begun: begun) }
    }
    guard admission != .refused else { throw .silent }
    return try await request()
  }
}

extension UpstreamError {
  static let silent = UpstreamError(
    .notSent,
    "upstream has answered none of the last requests, and another one tries it now: try again shortly"
  )
}
