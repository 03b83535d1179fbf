internal import Synchronization

/// Somebody wants what a fill brings: the fill does not stop while one of these lives.
package final class FillLease: Sendable {
  private let fill: Fill

  fileprivate init(_ fill: Fill) {
    self.fill = fill
    fill.leaseCount.add(1, ordering: .sequentiallyConsistent)
  }

  deinit { fill.leaseCount.subtract(1, ordering: .sequentiallyConsistent) }
}

extension Fill {
  /// Counts one more who wants it.
  func makeLease() -> FillLease { FillLease(self) }

  /// Whether anybody wants it.
  package var isRead: Bool { leaseCount.load(ordering: .sequentiallyConsistent) > 0 }

  /// Whether nobody wants it, and too little is there for it to be worth going on.
  package var isAbandoned: Bool { !isRead && !progress.value.isWorthFinishing }
}
