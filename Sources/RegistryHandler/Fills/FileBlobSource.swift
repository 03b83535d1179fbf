package import NIOCore

/// The next bytes of a blob, wherever they are.
package enum BlobChunk: Sendable {
  /// A part of a file, which has the same offsets as the blob.
  case file(OpenFile, Range<Int64>)
  case bytes(ByteBuffer)
}

/// The bytes of a range of a blob, taken in their order by one task.
package protocol BlobSource: Sendable {
  /// Offsets in the blob, in bytes.
  var range: Range<Int64> { get }

  /// What is there at an offset of the range, at least one byte of it, waiting for it if need be.
  func next(at offset: Int64) async throws(FileBlobSource.Failure) -> BlobChunk
}

/// Reads a range of a blob, whether its file is complete or still grows.
package final class FileBlobSource: BlobSource {
  package enum Failure: Error, Sendable {
    /// The fill ended without the rest.
    case brokenOff(UpstreamError)
    case store(FileError)
    /// The client left.
    case cancelled
  }

  package let range: Range<Int64>
  let file: OpenFile
  private let progress: Observed<FillProgress>?
  private let interest: FillLease?

  /// - Parameter progress: of the fill that writes the file; `nil` when the file is complete.
  package init(
    _ file: OpenFile,
    range: Range<Int64>,
    following progress: Observed<FillProgress>? = nil,
    by interest: FillLease? = nil
  ) {
    self.interest = interest
    self.file = file
    self.range = range
    self.progress = progress
  }

  package func next(at offset: Int64) async throws(Failure) -> BlobChunk {
    .file(file, offset..<min(range.upperBound, try await readable(beyond: offset)))
  }

  /// Whether the next bytes are there already.
  func hasBytes(at offset: Int64) -> Bool { progress.map { $0.value.readable > offset } ?? true }

  private func readable(beyond offset: Int64) async throws(Failure) -> Int64 {
    guard let progress else { return range.upperBound }
    guard let now = await progress.first(where: { $0.readable > offset || $0.isFinished }) else { throw .cancelled }
    if now.readable > offset { return now.readable }
    if case .failed(let error) = now.phase { throw .brokenOff(error) }
    throw .brokenOff(UpstreamError(.invalidResponse, "the blob ended at byte \(now.written)"))
  }
}
