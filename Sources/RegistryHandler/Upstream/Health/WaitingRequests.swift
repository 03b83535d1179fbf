internal import Synchronization

/// The requests that wait for the head of an answer, counted for each upstream: each holds a thread, and a slow upstream
/// is not to hold those of all others.
///
/// Only a long wait counts, so that a burst that a healthy upstream answers is let through.
package final class WaitingRequests: Sendable {
  /// A request that waits, and since when.
  struct Ticket: Equatable, Sendable {
    fileprivate let number: UInt64
    fileprivate let start: ContinuousClock.Instant
  }

  private struct State {
    var nextNumber: UInt64 = 0
    /// In the order in which they began to wait.
    var tickets: [UpstreamName: [Ticket]] = [:]
  }

  /// A wait is long from here on: a healthy upstream has answered.
  static let longWait: Duration = .seconds(1)

  private let maximum: Int
  private let now: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex(State())

  /// - Parameters:
  ///   - threads: how many requests may be in work at once.
  ///   - now: a clock that is never set.
  package init(threads: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
    maximum = Self.maximum(threads: threads)
    self.now = now
  }

  /// The most that may have waited long for one upstream: half of all.
  package static func maximum(threads: Int) -> Int { max(threads / 2, 1) }

  /// Counts one more, which has to leave; `nil` where too many have waited long already.
  func enter(_ upstream: UpstreamName) -> Ticket? {
    let now = now()
    return state.withLock { state in
      let tickets = state.tickets[upstream, default: []]
      // The oldest come first: where this one has not waited long, too few have.
      if tickets.count >= maximum, now - tickets[maximum - 1].start >= Self.longWait { return nil }
      state.nextNumber += 1
      let ticket = Ticket(number: state.nextNumber, start: now)
      state.tickets[upstream, default: []].append(ticket)
      return ticket
    }
  }

  func leave(_ upstream: UpstreamName, _ ticket: Ticket) {
    state.withLock { state in
      guard let index = state.tickets[upstream]?.firstIndex(of: ticket) else { return }
      state.tickets[upstream]?.remove(at: index)
    }
  }
}
