extension SingleFlight {
  /// Runs an operation that may fail, once for all callers with the same key at the same time.
  ///
  /// Throws an error of kind `.cancelled` when the caller's task is cancelled; the operation continues for the others.
  package func run<Success: Sendable>(
    _ key: Key,
    _ operation: @escaping @Sendable () async throws(UpstreamError) -> Success
  ) async throws(UpstreamError) -> Success where Value == Result<Success, UpstreamError> {
    try await value(for: key, onCancel: .cancelled) { await Result(operation) }
  }
}

extension Result where Success: Sendable, Failure == UpstreamError {
  /// The result of an asynchronous operation.
  init(_ operation: () async throws(UpstreamError) -> Success) async {
    do throws(UpstreamError) {
      self = .success(try await operation())
    } catch {
      self = .failure(error)
    }
  }
}
