internal import Synchronization

/// A clock that goes when a test says so, in seconds.
final class ManualClock: Sendable {
  private let seconds: Atomic<Int64>

  init(_ start: Int64 = 1_700_000_000) { seconds = Atomic(start) }

  var now: Int64 { seconds.load(ordering: .sequentiallyConsistent) }

  func advance(by count: Int64) { seconds.add(count, ordering: .sequentiallyConsistent) }
}
