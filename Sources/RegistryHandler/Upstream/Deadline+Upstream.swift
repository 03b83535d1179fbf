/// Runs a question to upstream until a deadline; past it, it is cancelled and an error of kind `.timeout` thrown.
/// - Parameter reason: what is said then, a sentence without the final stop.
func withDeadline<Value: Sendable>(
  _ deadline: ContinuousClock.Instant,
  orTimeout reason: String,
  _ operation: @escaping @Sendable () async throws(UpstreamError) -> Value
) async throws(UpstreamError) -> Value {
  let result = await withDeadline(deadline) { () -> Result<Value, UpstreamError> in
    do throws(UpstreamError) {
      return .success(try await operation())
    } catch {
      return .failure(error)
    }
  }
  // Without a result although the time is not over: nobody waits any more.
  guard let result else { throw Task.isCancelled ? .cancelled : UpstreamError(.timeout, reason) }
  return try result.get()
}
