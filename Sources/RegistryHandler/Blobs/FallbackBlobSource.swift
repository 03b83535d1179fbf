internal import Synchronization

/// Follows a download, and goes on with upstream for its one client where the store can take no more, or where the
/// download of another upstream is too slow for it.
final class FallbackBlobSource: BlobSource {
  /// Opens upstream from an offset to the end of the range; all before the offset is in the file.
  typealias Opener = @Sendable (_ offset: Int64, _ file: OpenFile) async throws(UpstreamError) -> UpstreamBlobSource

  private let reader: FileBlobSource
  private let open: Opener
  private let rest = Mutex<UpstreamBlobSource?>(nil)
  private let patience: Mutex<FillPatience?>

  /// - Parameter patience: with the download of another upstream; without it, only a failure of the store ends the wait.
  init(_ reader: FileBlobSource, patience: FillPatience? = nil, _ open: @escaping Opener) {
    self.reader = reader
    self.open = open
    self.patience = Mutex(patience)
  }

  var range: Range<Int64> { reader.range }

  func next(at offset: Int64) async throws(FileBlobSource.Failure) -> BlobChunk {
    if let rest = rest.withLock({ $0 }) { return try await rest.next(at: offset) }
    do throws(FileBlobSource.Failure) {
      if let piece = try await patientNext(at: offset) { return piece }
    } catch {
      // Another upstream's failure is none of this one.
      guard case .brokenOff(let failure) = error, failure.kind == .store || patience.withLock({ $0 != nil }) else {
        throw error
      }
    }
    let upstream: UpstreamBlobSource
    do throws(UpstreamError) {
      upstream = try await open(offset, reader.file)
    } catch {
      // A slow download is still better than none.
      guard patience.withLock({ $0 != nil }) else { throw .brokenOff(error) }
      patience.withLock { $0 = nil }
      return try await next(at: offset)
    }
    rest.withLock { $0 = upstream }
    return try await upstream.next(at: offset)
  }

  /// The next bytes of the download; `nil` when it has been too slow.
  private func patientNext(at offset: Int64) async throws(FileBlobSource.Failure) -> BlobChunk? {
    guard let remaining = patience.withLock({ $0?.remaining(at: offset) }), !reader.hasBytes(at: offset) else {
      return try await reader.next(at: offset)
    }
    let start = ContinuousClock.now
    let result = await withDeadline(start + remaining) { [reader] () -> Result<BlobChunk, FileBlobSource.Failure> in
      do throws(FileBlobSource.Failure) { return .success(try await reader.next(at: offset)) } catch {
        return .failure(error)
      }
    }
    patience.withLock { $0?.noteWait(.now - start) }
    if Task.isCancelled { throw .cancelled }
    return try result?.get()
  }
}
