internal import Testing

@testable internal import RegistryHandler

/// Stalls in the table "Downloads" of `docs/rules/blobs.md`.
struct StallDetectorTests {
  private static let start = ContinuousClock.now

  /// Bytes that arrive at a second, and whether the transfer has stalled then.
  struct Arrival: Sendable {
    var second: Int
    var bytes: Int
    var isStalled: Bool

    init(_ second: Int, _ bytes: Int, _ isStalled: Bool = false) {
      self.second = second
      self.bytes = bytes
      self.isStalled = isStalled
    }
  }

  @Test(
    arguments: [
      // A drip, detected at the end of the first window.
      [Arrival(1, 10), Arrival(10, 10), Arrival(29, 10), Arrival(30, 10, true)],
      // Just enough, in one piece or in many; bytes late in the window count.
      [Arrival(0, 32 << 10), Arrival(30, 1)], [Arrival(1, 16 << 10), Arrival(29, 16 << 10), Arrival(31, 1)],
      [Arrival(59, 32 << 10)], [Arrival(30, (32 << 10) - 1, true)],
      // A good beginning does not excuse a drip afterwards.
      [Arrival(5, 1 << 20), Arrival(30, 1), Arrival(45, 100), Arrival(60, 100, true)],
      // Each window counts by itself.
      [Arrival(30, 40_000), Arrival(60, 40_000), Arrival(90, 40_000), Arrival(121, 5, true)],
    ]
  )
  func `a window that brings next to nothing is a stall`(_ arrivals: [Arrival]) {
    var detector = StallDetector(now: Self.start)
    for arrival in arrivals {
      let now = Self.start + .seconds(arrival.second)
      let isStalled = detector.isStalled(afterReceiving: arrival.bytes, now: now)
      #expect(isStalled == arrival.isStalled)
    }
  }

  @Test func `a pause of the receiver is not a stall`() {
    var detector = StallDetector(now: Self.start)
    let isStalledAt29 = detector.isStalled(afterReceiving: 100, now: Self.start + .seconds(29))
    #expect(!isStalledAt29)
    detector.restart(now: Self.start + .seconds(300))
    let isStalledAt329 = detector.isStalled(afterReceiving: 100, now: Self.start + .seconds(329))
    #expect(!isStalledAt329)
    let isStalledAt330 = detector.isStalled(afterReceiving: 100, now: Self.start + .seconds(330))
    #expect(isStalledAt330)
  }

  @Test func `a drip is not progress, but a cut after 4 KiB is`() {
    #expect(UpstreamError.stalled.leastProgress == StallDetector.leastBytes)
    #expect(UpstreamError(.unreachable, "reset").leastProgress == 4096)
  }
}
