/// Runs a request to upstream until a deadline; past it, cancels the request and throws an error of kind `.timeout`.
/// - Parameter reason: the reason of that error, a sentence without the final stop.
func withDeadline<Value: Sendable>(
  _ deadline: ContinuousClock.Instant,
  orTimeout reason: String,
  _ operation: @escaping @Sendable () async throws(UpstreamError) -> Value
) async throws(UpstreamError) -> Value {
  let result = await withDeadline(deadline) { await Result(operation) }
  // No result before the deadline: the caller's task is cancelled.
  guard let result else { throw Task.isCancelled ? .cancelled : UpstreamError(.timeout, reason) }
  return try result.get()
}
