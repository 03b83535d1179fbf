/// The source of a part of a blob that is still being filled; pure.
package enum RangeSource: Equatable, Sendable {
  /// The fill, which has the bytes or soon will.
  case fill
  /// Upstream, for this part alone.
  case upstream

  /// The farthest that a part may begin ahead of the fill and wait for it, in bytes: less than a second of most
  /// downloads.
  package static let reach: Int64 = 8 << 20

  /// - Parameter written: the length of the fill in bytes.
  package init(_ part: Range<Int64>, written: Int64) {
    self = part.lowerBound <= written + Self.reach ? .fill : .upstream
  }
}
