internal import HTTPTypes

/// The use of the first response for a download that may have a leftover to resume; pure.
enum FirstResponse: Equatable, Sendable {
  /// The missing bytes follow.
  /// - size: of the whole in bytes, where upstream announced it.
  /// - skipping: the number of leading bytes that are already stored.
  case receive(size: Int64?, skipping: Int64)
  /// The leftover is not a prefix of upstream's content.
  case startAgain
  case refused

  /// - Parameters:
  ///   - offset: the length of the leftover in bytes.
  ///   - start: the first byte that was requested, by a range unless it is 0.
  ///   - known: the size of the whole in bytes, as it was announced for the leftover.
  init(_ response: UpstreamResponse, offset: Int64, start: Int64, size known: Int64? = nil) {
    switch response.status {
    case 200:
      let size = response.contentLength
      let isOther = offset > 0 && (size ?? .max < offset || size != known && size != nil && known != nil)
      self = isOther ? .startAgain : .receive(size: size, skipping: offset)
    case 206 where start > 0:
      guard let range = response.contentRange, range.part.lowerBound == start, let size = range.size,
        size == known ?? size
      else {
        self = .startAgain
        return
      }
      self = .receive(size: size, skipping: offset - start)
    case 416 where start > 0: self = .startAgain
    default: self = .refused
    }
  }
}
