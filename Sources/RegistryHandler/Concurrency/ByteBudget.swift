internal import Synchronization

/// A bound on the memory of all large documents together.
package final class ByteBudget: Sendable {
  /// The number of leading bytes of each document that are not counted: nearly all documents fit, and never fail.
  package static let uncounted = 64 << 10

  private struct State {
    var used = 0
    var usedByParty: [String: Int] = [:]
    var refusals: UInt64 = 0
  }

  private let limit: Int
  private let share: Int
  private let state = Mutex(State())

  /// Creates a budget.
  /// - Parameters:
  ///   - limit: in bytes.
  ///   - share: the most that the documents of one party take together, in bytes; if `nil`, all.
  package init(limit: Int, share: Int? = nil) {
    self.limit = limit
    self.share = share ?? limit
  }

  /// The number of bytes that are counted now.
  package var usedBytes: Int { state.withLock(\.used) }

  /// The number of times a document did not fit.
  package var refusalCount: UInt64 { state.withLock(\.refusals) }

  /// - Parameter party: the name of the one in whose share the document counts.
  package func makeReservation(for party: String) -> Reservation { Reservation(self, party) }

  private func reserve(_ count: Int, for party: String) -> Bool {
    state.withLock { state in
      let used = state.usedByParty[party, default: 0]
      guard count <= limit - state.used, count <= share - used else {
        state.refusals += 1
        return false
      }
      state.used += count
      state.usedByParty[party] = used + count
      return true
    }
  }

  private func release(_ count: Int, of party: String) {
    guard count > 0 else { return }
    state.withLock { state in
      state.used -= count
      let left = state.usedByParty[party, default: 0] - count
      state.usedByParty[party] = left > 0 ? left : nil
    }
  }

  /// The memory reserved for one document, released with its last reference.
  package final class Reservation: Sendable {
    private let budget: ByteBudget
    private let party: String
    private let counted = Atomic<Int>(0)

    fileprivate init(_ budget: ByteBudget, _ party: String) {
      self.budget = budget
      self.party = party
    }

    deinit { budget.release(counted.load(ordering: .relaxed), of: party) }

    /// Reserves memory for a document of a size in bytes; returns false if the budget is exhausted.
    ///
    /// A document that does not fit releases what it had, so that others do. Only one task at a time may call it.
    package func grow(to size: Int) -> Bool {
      let more = max(0, size - ByteBudget.uncounted) - counted.load(ordering: .relaxed)
      guard more > 0 else { return true }
      guard budget.reserve(more, for: party) else {
        budget.release(counted.exchange(0, ordering: .relaxed), of: party)
        return false
      }
      counted.add(more, ordering: .relaxed)
      return true
    }
  }
}
