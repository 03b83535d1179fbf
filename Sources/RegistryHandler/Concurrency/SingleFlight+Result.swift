extension SingleFlight {
  /// Returns the success of the running operation for the key, else of this one; throws its failure.
  /// - Parameter cancelled: the error for a caller that is cancelled.
  package func value<Success, Failure>(
    for key: Key,
    onCancel cancelled: Failure,
    _ operation: @escaping @Sendable () async -> Result<Success, Failure>
  ) async throws(Failure) -> Success where Value == Result<Success, Failure> {
    let result: Result<Success, Failure>
    do throws(CancellationError) { result = try await value(for: key, operation) } catch { throw cancelled }
    return try result.get()
  }

  /// Returns the success, or `nil` if the operation takes longer than the patience, counted from its start.
  /// - Parameter cancelled: the error for a caller that is cancelled.
  package func value<Success, Failure>(
    for key: Key,
    within patience: Duration,
    onCancel cancelled: Failure,
    _ operation: @escaping @Sendable () async -> Result<Success, Failure>
  ) async throws(Failure) -> Success? where Value == Result<Success, Failure> {
    let result: Result<Success, Failure>?
    do throws(CancellationError) {
      result = try await value(for: key, within: patience, operation)
    } catch {
      throw cancelled
    }
    return try result?.get()
  }
}
