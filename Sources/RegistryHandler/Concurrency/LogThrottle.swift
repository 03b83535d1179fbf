internal import Synchronization

/// Limits repeated log lines to one a minute.
package final class LogThrottle: Sendable {
  private static let interval: Duration = .seconds(60)

  private let last = Mutex<Duration?>(nil)

  package init() {}

  /// Returns whether another line is due; if so, the next minute begins.
  /// - Parameter now: a monotonic clock's time.
  package func isDue(at now: Duration) -> Bool {
    last.withLock { last in
      if let last, now - last < Self.interval { return false }
      last = now
      return true
    }
  }
}
