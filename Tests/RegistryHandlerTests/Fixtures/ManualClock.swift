internal import Synchronization

/// A clock that a test advances, in seconds.
final class ManualClock: Sendable {
  private let seconds: Atomic<Int64>

  init(_ start: Int64 = 1_700_000_000) { seconds = Atomic(start) }

  var now: Int64 { seconds.load(ordering: .sequentiallyConsistent) }

  /// The time as instants, for code that measures durations.
  var instants: @Sendable () -> ContinuousClock.Instant {
    { [origin = ContinuousClock.now, start = now] in origin + .seconds(self.now - start) }
  }

  func advance(by count: Int64) { seconds.add(count, ordering: .sequentiallyConsistent) }
}

/// A clock of instants that a test advances.
final class ManualInstants: Sendable {
  private let instant = Mutex(ContinuousClock.now)

  var now: ContinuousClock.Instant { instant.withLock { $0 } }

  func advance(by duration: Duration) { instant.withLock { $0 += duration } }
}
