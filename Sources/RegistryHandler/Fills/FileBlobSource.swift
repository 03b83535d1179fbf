/// A range of a blob in a file that is complete or grows.
package final class FileBlobSource: BlobSource {
  package let range: Range<Int64>
  package let file: OpenFile
  private let progress: Observed<FillProgress>?
  private let lease: FillLease?

  /// - Parameter progress: of the fill that writes the file; `nil` when the file is complete.
  package init(
    _ file: OpenFile,
    range: Range<Int64>,
    following progress: Observed<FillProgress>? = nil,
    lease: FillLease? = nil
  ) {
    self.lease = lease
    self.file = file
    self.range = range
    self.progress = progress
  }

  package func next(at offset: Int64) async throws(BlobSourceFailure) -> BlobChunk {
    .file(file, offset..<min(range.upperBound, try await readable(beyond: offset)))
  }

  /// Returns whether the next bytes are readable without waiting.
  package func hasBytes(at offset: Int64) -> Bool { progress.map { $0.value.readable > offset } ?? true }

  private func readable(beyond offset: Int64) async throws(BlobSourceFailure) -> Int64 {
    guard let progress else { return range.upperBound }
    guard let now = await progress.first(where: { $0.readable > offset || $0.isFinished }) else { throw .cancelled }
    if now.readable > offset { return now.readable }
    if case .failed(let failure) = now.phase { throw .fill(failure) }
    throw .ended(at: now.written)
  }
}
