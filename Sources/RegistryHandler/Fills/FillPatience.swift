/// The times that clients follow a fill before they turn to upstream by themselves.
package struct Patience: Sendable {
  /// The wait with the fill of another upstream: for its head, and then for every 256 KiB.
  package var withAnotherUpstream: Duration = FillPatience.window
  /// The wait for the first byte of a part that is a little ahead of the fill.
  package var withPart: Duration = .seconds(2)

  package init() {}
}

/// The time that a client follows the fill of another upstream before it turns to its own; pure.
///
/// Only waiting counts: a client that is slower than the fill never runs out of patience.
struct FillPatience: Sendable {
  /// The longest wait in all for `leastBytes`.
  static let window: Duration = .seconds(2)

  /// The bytes that are worth that wait.
  static let leastBytes: Int64 = 256 << 10

  private let window: Duration
  private var start: Int64
  private var waited: Duration = .zero

  /// - Parameter offset: of the client's first byte.
  init(at offset: Int64, window: Duration = FillPatience.window) {
    start = offset
    self.window = window
  }

  /// Returns the time that the client may still wait; none after too long a wait for too few bytes.
  mutating func remaining(at offset: Int64) -> Duration {
    if offset - start >= Self.leastBytes {
      start = offset
      waited = .zero
    }
    return max(.zero, window - waited)
  }

  mutating func noteWait(_ duration: Duration) { waited += duration }
}
