internal import Synchronization

/// A bound on what all large documents in memory take together.
package final class ByteBudget: Sendable {
  /// The beginning of each document that is not counted, in bytes: nearly all documents are smaller, and are never refused.
  package static let uncounted = 64 << 10

  private let limit: Int
  private let used = Atomic<Int>(0)
  private let refusals = Atomic<UInt64>(0)

  /// - Parameter limit: in bytes.
  package init(limit: Int) { self.limit = limit }

  /// The bytes that are counted now.
  package var usedBytes: Int { used.load(ordering: .relaxed) }

  /// How often there was no room.
  package var refusalCount: UInt64 { refusals.load(ordering: .relaxed) }

  package func makeReservation() -> Reservation { Reservation(self) }

  private func take(_ count: Int) -> Bool {
    var current = used.load(ordering: .relaxed)
    while count <= limit - current {
      let (exchanged, original) = used.weakCompareExchange(
        expected: current,
        desired: current + count,
        ordering: .relaxed
      )
      if exchanged { return true }
      current = original
    }
    refusals.add(1, ordering: .relaxed)
    return false
  }

  /// The room of one document, given back when nobody holds it any more.
  package final class Reservation: Sendable {
    private let budget: ByteBudget
    private let counted = Atomic<Int>(0)

    fileprivate init(_ budget: ByteBudget) { self.budget = budget }

    deinit { budget.used.subtract(counted.load(ordering: .relaxed), ordering: .relaxed) }

    /// Makes room for a document of a size in bytes, called by one task at a time; false when there is none.
    package func grow(to size: Int) -> Bool {
      let more = max(0, size - ByteBudget.uncounted) - counted.load(ordering: .relaxed)
      guard more > 0 else { return true }
      guard budget.take(more) else { return false }
      counted.add(more, ordering: .relaxed)
      return true
    }
  }
}
