/// Tells a transfer that drips from one that is merely slow; pure.
///
/// A connection that brings next to nothing is as dead as one that brings nothing: another may bring the rest sooner.
struct StallDetector: Sendable {
  /// The longest time in which a connection may bring no byte at all.
  static let window: Duration = .seconds(30)

  /// The least that a window has to bring, in bytes: a tenth of a modem's rate.
  static let leastBytes: Int64 = 32 << 10

  private var start: ContinuousClock.Instant
  private var received: Int64 = 0

  init(now: ContinuousClock.Instant) { start = now }

  /// Counts received bytes.
  /// - Returns: whether the window that ends now brought too little.
  mutating func isStalled(afterReceiving count: Int, now: ContinuousClock.Instant) -> Bool {
    received += Int64(count)
    guard now - start >= Self.window else { return false }
    defer { restart(now: now) }
    return received < Self.leastBytes
  }

  /// Begins another window, as the receiver has taken nothing meanwhile.
  mutating func restart(now: ContinuousClock.Instant) {
    start = now
    received = 0
  }
}

extension UpstreamError {
  static let stalled = UpstreamError(
    .stalled,
    "upstream sent less than \(StallDetector.leastBytes) bytes in \(StallDetector.window.components.seconds) seconds"
  )

  /// The least that a connection must have brought for its end to count as a new failure, in bytes.
  ///
  /// A drip is not progress: it would keep clients waiting for hours. Nor are responses that break off at once: the next
  /// endpoint may do better.
  var leastProgress: Int64 { isTimeout ? StallDetector.leastBytes : 4 << 10 }

  /// Indicates that upstream sent too little in time.
  var isTimeout: Bool { kind == .timeout || kind == .stalled }
}
