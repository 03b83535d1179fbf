internal import Synchronization

/// The requests that wait for the head of an answer, counted for each upstream: each holds a thread, and a slow upstream
/// is not to hold those of all others.
package final class WaitingRequests: Sendable {
  private let maximum: Int
  private let counts = Mutex<[UpstreamName: Int]>([:])

  /// - Parameter threads: how many requests may be in work at once.
  package init(threads: Int) { maximum = Self.maximum(threads: threads) }

  /// The most that may wait for one upstream: half of all. Less would refuse bursts that a healthy upstream answers.
  package static func maximum(threads: Int) -> Int { max(threads / 2, 1) }

  /// Counts one more, which has to leave; false where too many wait already.
  func enter(_ upstream: UpstreamName) -> Bool {
    counts.withLock { counts in
      guard counts[upstream, default: 0] < maximum else { return false }
      counts[upstream, default: 0] += 1
      return true
    }
  }

  func leave(_ upstream: UpstreamName) { counts.withLock { $0[upstream, default: 1] -= 1 } }
}
