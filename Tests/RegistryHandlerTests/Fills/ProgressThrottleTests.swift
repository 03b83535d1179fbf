internal import Testing

@testable internal import RegistryHandler

struct ProgressThrottleTests {
  private static let start = ContinuousClock.now

  private func time(_ milliseconds: Int) -> ContinuousClock.Instant { Self.start + .milliseconds(milliseconds) }

  @Test func `what comes after a pause is told at once`() {
    var pace = ProgressThrottle()
    for (written, now) in [(1, 0), (2, 20), (3, 5000)] as [(Int64, Int)] {
      #expect(pace.advance(to: written, readers: 1, now: time(now)) == .notify)
      #expect(pace.takePending(now: time(now)) == written)
    }
    #expect(pace.takePending(now: time(6000)) == nil)
  }

  @Test func `small pieces are told together, once the interval is over`() {
    var pace = ProgressThrottle()
    _ = pace.advance(to: 1, readers: 1, now: time(0))
    _ = pace.takePending(now: time(0))
    #expect(pace.advance(to: 2, readers: 1, now: time(5)) == .notifyAt(time(20)))
    #expect(pace.advance(to: 3, readers: 1, now: time(10)) == .wait)
    #expect(pace.takePending(now: time(20), isScheduled: true) == 3)
    #expect(pace.advance(to: 4, readers: 1, now: time(25)) == .notifyAt(time(40)))
  }

  @Test(arguments: [(0, 20), (1, 20), (200, 20), (1000, 100), (5000, 500)])
  func `many readers are told less often`(_ readers: Int, _ milliseconds: Int) {
    #expect(ProgressThrottle.interval(for: readers) == .milliseconds(milliseconds))
    var pace = ProgressThrottle()
    _ = pace.advance(to: 1, readers: readers, now: time(0))
    _ = pace.takePending(now: time(0))
    #expect(pace.advance(to: 2, readers: readers, now: time(1)) == .notifyAt(time(milliseconds)))
  }

  @Test func `a large piece is told at once`() {
    var pace = ProgressThrottle()
    _ = pace.advance(to: 1, readers: 1, now: time(0))
    _ = pace.takePending(now: time(0))
    #expect(pace.advance(to: 2, readers: 1, now: time(1)) == .notifyAt(time(20)))
    #expect(pace.advance(to: 1 + ProgressThrottle.step, readers: 1, now: time(2)) == .notify)
    #expect(pace.takePending(now: time(2)) == 1 + ProgressThrottle.step)
    // The time that was arranged before still comes, and tells what there is then.
    #expect(pace.advance(to: 2 + ProgressThrottle.step, readers: 1, now: time(3)) == .wait)
    #expect(pace.takePending(now: time(20), isScheduled: true) == 2 + ProgressThrottle.step)
  }
}
