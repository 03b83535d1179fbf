/// Where a part of a blob that is still being downloaded is taken from; pure.
package enum RangeSource: Equatable, Sendable {
  /// The bytes are there, or soon will be.
  case download
  /// They are far off: upstream is asked for this part alone.
  case upstream

  /// How far ahead of a download a part may begin that waits for it, in bytes: less than a second's worth of most.
  package static let reach: Int64 = 8 << 20

  /// - Parameter written: how much of the blob is there, in bytes.
  package init(_ part: Range<Int64>, written: Int64) {
    self = part.lowerBound <= written + Self.reach ? .download : .upstream
  }
}
