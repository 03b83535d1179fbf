internal import Synchronization

/// The requests that wait for the head of a response, counted per upstream: one slow upstream must not take all that the
/// worker can serve at once.
///
/// Only a long wait counts, so that a burst to a healthy upstream is let through.
package final class WaitingRequests: Sendable {
  /// A waiting request and the start of its wait.
  struct Ticket: Equatable, Sendable {
    fileprivate let number: UInt64
    fileprivate let start: ContinuousClock.Instant
  }

  private struct State {
    var nextNumber: UInt64 = 0
    /// The waiting requests, the oldest first.
    var tickets: [UpstreamName: [Ticket]] = [:]
  }

  /// The least long wait: a healthy upstream has responded by then.
  static let longWait: Duration = .seconds(1)

  private let maximum: Int
  private let now: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex(State())

  /// - Parameters:
  ///   - requests: the number of requests that may be served at once.
  ///   - now: the monotonic clock.
  package init(requests: Int, now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) {
    maximum = Self.maximum(requests: requests)
    self.now = now
  }

  /// Returns the most requests that may have waited long for one upstream: half of all.
  package static func maximum(requests: Int) -> Int { max(requests / 2, 1) }

  /// Counts one more request, which has to leave; `nil` if too many have waited long already.
  func enter(_ upstream: UpstreamName) -> Ticket? {
    let now = now()
    return state.withLock { state in
      let tickets = state.tickets[upstream, default: []]
      // The oldest come first: if this one has not waited long, too few have.
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
