internal import Synchronization

/// A share in a fill, which does not stop while one of these lives.
package final class FillLease: Sendable {
  private let fill: Fill

  fileprivate init(_ fill: Fill) {
    self.fill = fill
    fill.leaseCount.add(1, ordering: .sequentiallyConsistent)
  }

  deinit { fill.leaseCount.subtract(1, ordering: .sequentiallyConsistent) }

  /// Runs an operation while the lease is held.
  package func hold<Value, Failure: Error>(
    _ operation: () async throws(Failure) -> Value
  ) async throws(Failure) -> Value {
    defer { withExtendedLifetime(self) {} }
    return try await operation()
  }
}

extension Fill {
  package func makeLease() -> FillLease { FillLease(self) }

  /// Indicates whether anybody holds a lease.
  package var isRead: Bool { leaseCount.load(ordering: .sequentiallyConsistent) > 0 }

  /// Indicates whether nobody holds a lease, and too little is there for the fill to be worth finishing.
  package var isAbandoned: Bool { !isRead && !progress.value.isWorthFinishing }
}
