internal import Synchronization

/// Lets one line a minute through of those that would say the same.
package final class LogThrottle: Sendable {
  private static let interval: Duration = .seconds(60)

  private let last = Mutex<Duration?>(nil)

  package init() {}

  /// Whether it is time for another line; then the next minute begins.
  /// - Parameter now: a monotonic clock's time.
  package func isDue(at now: Duration) -> Bool {
    last.withLock { last in
      if let last, now - last < Self.interval { return false }
      last = now
      return true
    }
  }
}
