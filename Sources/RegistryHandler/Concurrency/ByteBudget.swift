internal import Synchronization

/// A bound on the memory of all large documents together.
package final class ByteBudget: Sendable {
  /// The number of leading bytes of each document that are not counted: nearly all documents fit, and never fail.
  package static let uncounted = 64 << 10

  private let limit: Int
  private let used = Atomic<Int>(0)
  private let refusals = Atomic<UInt64>(0)

  /// Creates a budget.
  /// - Parameter limit: in bytes.
  package init(limit: Int) { self.limit = limit }

  /// The number of bytes that are counted now.
  package var usedBytes: Int { used.load(ordering: .relaxed) }

  /// The number of times a document did not fit.
  package var refusalCount: UInt64 { refusals.load(ordering: .relaxed) }

  package func makeReservation() -> Reservation { Reservation(self) }

  private func reserve(_ count: Int) -> Bool {
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

  /// The memory reserved for one document, released with its last reference.
  package final class Reservation: Sendable {
    private let budget: ByteBudget
    private let counted = Atomic<Int>(0)

    fileprivate init(_ budget: ByteBudget) { self.budget = budget }

    deinit { budget.used.subtract(counted.load(ordering: .relaxed), ordering: .relaxed) }

    /// Reserves memory for a document of a size in bytes; returns false if the budget is exhausted.
    ///
    /// A document that does not fit releases what it had, so that others do. Only one task at a time may call it.
    package func grow(to size: Int) -> Bool {
      let more = max(0, size - ByteBudget.uncounted) - counted.load(ordering: .relaxed)
      guard more > 0 else { return true }
      guard budget.reserve(more) else {
        budget.used.subtract(counted.exchange(0, ordering: .relaxed), ordering: .relaxed)
        return false
      }
      counted.add(more, ordering: .relaxed)
      return true
    }
  }
}
