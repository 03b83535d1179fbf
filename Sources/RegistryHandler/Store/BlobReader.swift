internal import SystemPackage

/// The bytes of a range of a blob, read in their order by one task.
package protocol BlobSource: Sendable {
  /// Offsets in the blob, in bytes.
  var range: Range<Int64> { get }

  /// Reads what is there at an offset of the blob, waiting for more if need be; 0 at the range's end.
  func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) async throws(BlobReader.Failure) -> Int
}

/// Reads a range of a blob, whether its file is complete or still grows.
package final class BlobReader: BlobSource {
  package enum Failure: Error, Sendable {
    /// The fill ended without the rest.
    case brokenOff(UpstreamError)
    case store(StoreError)
    /// The client left.
    case cancelled
  }

  package let range: Range<Int64>
  let file: OpenFile
  private let progress: Observed<FillProgress>?
  private let interest: FillInterest?

  /// - Parameter progress: of the fill that writes the file; `nil` when the file is complete.
  package init(
    _ file: OpenFile,
    range: Range<Int64>,
    following progress: Observed<FillProgress>? = nil,
    by interest: FillInterest? = nil
  ) {
    self.interest = interest
    self.file = file
    self.range = range
    self.progress = progress
  }

  /// Reads what is there at an offset of the blob, waiting for more if need be; 0 at the range's end. Blocks on the file.
  package func read(
    into buffer: UnsafeMutableRawBufferPointer,
    at offset: Int64
  ) async throws(Failure) -> Int {
    let wanted = min(Int64(buffer.count), range.upperBound - offset)
    guard wanted > 0 else { return 0 }
    let available = min(wanted, try await readable(beyond: offset) - offset)
    let count: Int
    do {
      count = try file.read(into: UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(available)]), at: offset)
    } catch {
      throw .store(error)
    }
    guard count > 0 else { throw .store(StoreError("read", file.path, .ioError)) }
    return count
  }

  private func readable(beyond offset: Int64) async throws(Failure) -> Int64 {
    guard let progress else { return range.upperBound }
    guard let now = await progress.first(where: { $0.readable > offset || $0.isSettled }) else { throw .cancelled }
    if now.readable > offset { return now.readable }
    if case .failed(let error) = now.phase { throw .brokenOff(error) }
    throw .brokenOff(UpstreamError(.invalidAnswer, "the blob ended at byte \(now.written)"))
  }
}
