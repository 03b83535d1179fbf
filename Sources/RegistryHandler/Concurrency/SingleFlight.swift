internal import Synchronization

/// Runs an operation once for all who ask for the same key at the same time.
///
/// The operation belongs to nobody: a caller that is cancelled leaves, the operation goes on for the others.
package final class SingleFlight<Key: Hashable & Sendable, Value: Sendable>: Sendable {
  private let flights = Mutex<[Key: Observed<Value?>]>([:])
  private let executor: BlockingExecutor

  /// - Parameter executor: where operations run; they may block.
  package init(executor: BlockingExecutor) { self.executor = executor }

  /// How many callers wait for operations.
  var waiterCount: Int { flights.withLock { $0.values.reduce(0) { $0 + $1.waiterCount } } }

  /// The value of the operation under way for the key, or of this one.
  package func value(
    for key: Key,
    _ operation: @escaping @Sendable () async -> Value
  ) async throws(CancellationError) -> Value {
    let (flight, isFirst) = flights.withLock { flights in
      if let flight = flights[key] { return (flight, false) }
      let flight = Observed<Value?>(nil)
      flights[key] = flight
      return (flight, true)
    }
    if isFirst {
      Task(executorPreference: executor) {
        let value = await operation()
        self.flights.withLock { $0[key] = nil }
        flight.update { $0 = value }
      }
    }
    guard let value = await flight.first(where: { $0 != nil }), let value else { throw CancellationError() }
    return value
  }
}
