internal import Synchronization

/// Runs an operation once for all callers that need the same key at the same time.
///
/// The operation belongs to no caller: cancelling a caller leaves the operation running for the others.
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private struct Flight: Sendable {
    let value = Observed<Value?>(nil)
    let start = ContinuousClock.now
  }

  private let flights = Mutex<[Key: Flight]>([:])
  private let executor: BlockingExecutor

  /// - Parameter executor: where operations run; they may block.
  package init(executor: BlockingExecutor) { self.executor = executor }

  /// The number of callers that wait for operations.
  var waiterCount: Int { flights.withLock { $0.values.reduce(0) { $0 + $1.value.waiterCount } } }

  /// Returns the value of the running operation for the key, else of this one.
  package func value(
    for key: Key,
    _ operation: @escaping @Sendable () async -> Value
  ) async throws(CancellationError) -> Value {
    let flight = flight(for: key, operation)
    guard let value = await flight.value.first(where: { $0 != nil }), let value else { throw CancellationError() }
    return value
  }

  /// Returns the value, or `nil` if the operation takes longer than the patience, counted from its start.
  ///
  /// The operation keeps running, and no caller starts another beside it.
  package func value(
    for key: Key,
    within patience: Duration,
    _ operation: @escaping @Sendable () async -> Value
  ) async throws(CancellationError) -> Value? {
    let flight = flight(for: key, operation)
    let value = await withDeadline(flight.start + patience) { await flight.value.first { $0 != nil } ?? nil } ?? nil
    if Task.isCancelled { throw CancellationError() }
    return value
  }

  private func flight(for key: Key, _ operation: @escaping @Sendable () async -> Value) -> Flight {
    let (flight, isFirst) = flights.withLock { flights in
      if let flight = flights[key] { return (flight, false) }
      let flight = Flight()
      flights[key] = flight
      return (flight, true)
    }
    if isFirst {
      Task(executorPreference: executor) {
        let value = await operation()
        self.flights.withLock { $0[key] = nil }
        flight.value.update { $0 = value }
      }
    }
    return flight
  }
}
