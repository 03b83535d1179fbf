package import NIOCore

/// The next bytes of a blob.
package enum BlobChunk: Sendable {
  /// A part of a file that has the same offsets as the blob.
  case file(OpenFile, Range<Int64>)
  case bytes(ByteBuffer)
}

/// The reason why a source ended before its range.
package enum BlobSourceFailure: Error, Equatable, Sendable {
  case fill(FillFailure)
  case upstream(UpstreamError)
  /// The content ended early.
  /// - offset: in bytes.
  case ended(at: Int64)
  /// The client left.
  case cancelled
}

extension BlobSourceFailure: CustomStringConvertible {
  package var description: String {
    switch self {
    case .fill(let failure): failure.description
    case .upstream(let error): error.reason
    case .ended(let offset): "the blob ended at byte \(offset)"
    case .cancelled: UpstreamError.cancelled.reason
    }
  }
}

/// The bytes of a range of a blob, taken in order by one task.
package protocol BlobSource: Sendable {
  /// Offsets in the blob, in bytes.
  var range: Range<Int64> { get }

  /// Returns at least one byte at an offset of the range, waiting for it if need be.
  func next(at offset: Int64) async throws(BlobSourceFailure) -> BlobChunk
}
