/// How long a client follows the fill of another upstream before it turns to its own; pure.
///
/// Only waiting counts: a client that is slower than the fill never runs out of patience.
struct FillPatience: Sendable {
  /// How long a client may wait in all for `leastBytes`.
  package static let window: Duration = .seconds(2)

  /// What makes the waiting worth it, in bytes.
  static let leastBytes: Int64 = 256 << 10

  private let window: Duration
  private var start: Int64
  private var waited: Duration = .zero

  /// - Parameter offset: where the client begins to read, in bytes.
  init(at offset: Int64, window: Duration = FillPatience.window) {
    start = offset
    self.window = window
  }

  /// How long the client may still wait; nothing is left once it has waited too long for too little.
  mutating func remaining(at offset: Int64) -> Duration {
    if offset - start >= Self.leastBytes {
      start = offset
      waited = .zero
    }
    return max(.zero, window - waited)
  }

  mutating func noteWait(_ duration: Duration) { waited += duration }
}
