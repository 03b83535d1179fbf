internal import Testing

@testable internal import RegistryHandler

struct ProgressThrottleTests {
  private static let start = ContinuousClock.now

  private func time(_ milliseconds: Int) -> ContinuousClock.Instant { Self.start + .milliseconds(milliseconds) }

  @Test func `readers are notified at once after a pause`() {
    var throttle = ProgressThrottle()
    for (written, now) in [(1, 0), (2, 20), (3, 5000)] as [(Int64, Int)] {
      #expect(throttle.advance(to: written, readers: 1, now: time(now)) == .notify)
      #expect(throttle.takePending(now: time(now)) == written)
    }
    #expect(throttle.takePending(now: time(6000)) == nil)
  }

  @Test func `readers are notified of small pieces together, after the interval`() {
    var throttle = ProgressThrottle()
    _ = throttle.advance(to: 1, readers: 1, now: time(0))
    _ = throttle.takePending(now: time(0))
    #expect(throttle.advance(to: 2, readers: 1, now: time(5)) == .notifyAt(time(20)))
    #expect(throttle.advance(to: 3, readers: 1, now: time(10)) == .wait)
    #expect(throttle.takePending(now: time(20), isScheduled: true) == 3)
    #expect(throttle.advance(to: 4, readers: 1, now: time(25)) == .notifyAt(time(40)))
  }

  @Test(arguments: [(0, 20), (1, 20), (200, 20), (1000, 100), (5000, 500)])
  func `many readers are notified less often`(_ readers: Int, _ milliseconds: Int) {
    #expect(ProgressThrottle.interval(for: readers) == .milliseconds(milliseconds))
    var throttle = ProgressThrottle()
    _ = throttle.advance(to: 1, readers: readers, now: time(0))
    _ = throttle.takePending(now: time(0))
    #expect(throttle.advance(to: 2, readers: readers, now: time(1)) == .notifyAt(time(milliseconds)))
  }

  @Test func `readers are notified of a large piece at once`() {
    var throttle = ProgressThrottle()
    _ = throttle.advance(to: 1, readers: 1, now: time(0))
    _ = throttle.takePending(now: time(0))
    #expect(throttle.advance(to: 2, readers: 1, now: time(1)) == .notifyAt(time(20)))
    #expect(throttle.advance(to: 1 + ProgressThrottle.step, readers: 1, now: time(2)) == .notify)
    #expect(throttle.takePending(now: time(2)) == 1 + ProgressThrottle.step)
    // The notification scheduled before still comes, with the bytes that have arrived by then.
    #expect(throttle.advance(to: 2 + ProgressThrottle.step, readers: 1, now: time(3)) == .wait)
    #expect(throttle.takePending(now: time(20), isScheduled: true) == 2 + ProgressThrottle.step)
  }
}
