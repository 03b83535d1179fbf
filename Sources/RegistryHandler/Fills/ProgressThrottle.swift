/// Decides when readers are told how much of a fill has been written; pure.
///
/// At once after a pause, so that nobody waits for what is there; otherwise every few milliseconds, or a thousand readers
/// would be woken for every packet of a slow upstream.
struct ProgressThrottle: Sendable {
  /// Far below what anybody notices.
  private static let shortestInterval: Duration = .milliseconds(20)

  /// What a reader adds to the interval: about five times what it costs to wake it, so that those who wait leave most of a
  /// processor to others.
  private static let intervalPerReader: Duration = .microseconds(100)

  /// The least time between two times that a number of readers is told.
  static func interval(for readers: Int) -> Duration { max(shortestInterval, intervalPerReader * readers) }

  /// So much is told of at once, in bytes: it keeps readers at work, and is still in the cache.
  static let step: Int64 = 256 << 10

  enum Action: Equatable, Sendable {
    case notify
    /// Nothing now: what is told at this time will hold it.
    case notifyAt(ContinuousClock.Instant)
    /// Nothing now: there is such a time already.
    case wait
  }

  private var notified: Int64 = 0
  private var lastTime: ContinuousClock.Instant?
  /// What readers have not been told of, in bytes from the beginning.
  private(set) var pending: Int64?
  private var isScheduled = false

  /// - Parameters:
  ///   - written: bytes from the beginning.
  ///   - readers: how many are to be told.
  mutating func advance(to written: Int64, readers: Int, now: ContinuousClock.Instant) -> Action {
    let interval = Self.interval(for: readers)
    pending = written
    guard let lastTime, now - lastTime < interval, written - notified < Self.step else { return .notify }
    if isScheduled { return .wait }
    isScheduled = true
    return .notifyAt(lastTime + interval)
  }

  /// What is to be told now; `nil` when nothing is new.
  mutating func takePending(now: ContinuousClock.Instant, isScheduled: Bool = false) -> Int64? {
    if isScheduled { self.isScheduled = false }
    guard let written = pending else { return nil }
    pending = nil
    notified = written
    lastTime = now
    return written
  }
}
