extension BlockingExecutor {
  /// Runs work that blocks on one of the threads; the caller's task is suspended meanwhile.
  package func run<Value: Sendable>(_ work: @escaping @Sendable () -> Value) async -> Value {
    await Task(executorPreference: self) { work() }.value
  }

  /// Runs work that blocks on one of the threads; the caller's task is suspended meanwhile.
  package func run<Value: Sendable, Failure: Error>(
    _ work: @escaping @Sendable () throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    let result = await run { () -> Result<Value, Failure> in
      do throws(Failure) { return .success(try work()) } catch { return .failure(error) }
    }
    return try result.get()
  }
}
