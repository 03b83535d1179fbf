/// The bounds of `threads:`.
struct ThreadLimits: Equatable, Sendable {
  /// Accepted for older configurations: event loops start at once, and threads for blocking work with them.
  var min: Int
  /// The most event loops, and the most threads for blocking work.
  var max: Int
}
