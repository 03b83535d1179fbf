/// Decides when readers are notified of the progress of a fill; pure.
///
/// At once after a pause, so that no reader waits for bytes that are there; otherwise every few milliseconds, or a
/// thousand readers would be woken for every packet of a slow upstream.
struct ProgressThrottle: Sendable {
  /// The least interval, far below what a client notices.
  private static let shortestInterval: Duration = .milliseconds(20)

  /// The share of each reader in the interval: about five times the cost of waking it, so that readers leave most of a
  /// processor to others.
  private static let intervalPerReader: Duration = .microseconds(100)

  /// Returns the least time between two notifications of a number of readers.
  static func interval(for readers: Int) -> Duration { max(shortestInterval, intervalPerReader * readers) }

  /// The progress that is notified at once, in bytes: it keeps readers busy, and is still in the cache.
  static let step: Int64 = 256 << 10

  enum Action: Equatable, Sendable {
    case notify
    /// No notification now: the one at this time will include the progress.
    case notifyAt(ContinuousClock.Instant)
    /// No notification now: one is scheduled already.
    case wait
  }

  private var notified: Int64 = 0
  private var lastTime: ContinuousClock.Instant?
  /// The length that readers have not been notified of, in bytes.
  private(set) var pending: Int64?
  private var isScheduled = false

  /// Records progress and returns when to notify the readers of it.
  /// - Parameters:
  ///   - written: the length in bytes.
  ///   - readers: the number of readers.
  mutating func advance(to written: Int64, readers: Int, now: ContinuousClock.Instant) -> Action {
    let interval = Self.interval(for: readers)
    pending = written
    guard let lastTime, now - lastTime < interval, written - notified < Self.step else { return .notify }
    if isScheduled { return .wait }
    isScheduled = true
    return .notifyAt(lastTime + interval)
  }

  /// Returns the length to notify readers of now, in bytes; `nil` when nothing is new.
  mutating func takePending(now: ContinuousClock.Instant, isScheduled: Bool = false) -> Int64? {
    if isScheduled { self.isScheduled = false }
    guard let written = pending else { return nil }
    pending = nil
    notified = written
    lastTime = now
    return written
  }
}
