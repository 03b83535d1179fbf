internal import Synchronization

/// Somebody wants what a fill brings: the fill does not stop while one of these lives.
package final class FillInterest: Sendable {
  private let fill: Fill

  fileprivate init(_ fill: Fill) {
    self.fill = fill
    fill.interests.add(1, ordering: .sequentiallyConsistent)
  }

  deinit { fill.interests.subtract(1, ordering: .sequentiallyConsistent) }
}

extension Fill {
  /// Counts one more who wants it.
  func makeInterest() -> FillInterest { FillInterest(self) }

  /// Whether anybody wants it.
  package var isRead: Bool { interests.load(ordering: .sequentiallyConsistent) > 0 }

  /// Whether nobody wants it, and too little is there for it to be worth going on.
  package var isForsaken: Bool { !isRead && !progress.value.isWorthFinishing }
}
