internal import Synchronization

/// Follows a download, and goes on with upstream for its one client where the store can take no more, or where the
/// download of another upstream is too slow for it.
final class FallbackReader: BlobSource {
  /// Opens upstream from an offset to the end of the range; all before the offset is in the file.
  typealias Opener = @Sendable (_ offset: Int64, _ file: OpenFile) async throws(UpstreamError) -> UpstreamReader

  private let reader: BlobReader
  private let open: Opener
  private let rest = Mutex<UpstreamReader?>(nil)
  private let patience: Mutex<FillPatience?>

  /// - Parameter patience: with the download of another upstream; without it, only a failure of the store ends the wait.
  init(_ reader: BlobReader, patience: FillPatience? = nil, _ open: @escaping Opener) {
    self.reader = reader
    self.open = open
    self.patience = Mutex(patience)
  }

  var range: Range<Int64> { reader.range }

  func next(at offset: Int64) async throws(BlobReader.Failure) -> BlobPiece {
    if let rest = rest.withLock({ $0 }) { return try await rest.next(at: offset) }
    do throws(BlobReader.Failure) {
      if let piece = try await patientNext(at: offset) { return piece }
    } catch {
      // Another upstream's failure is none of this one.
      guard case .brokenOff(let failure) = error, failure.kind == .store || patience.withLock({ $0 != nil }) else {
        throw error
      }
    }
    let upstream: UpstreamReader
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
  private func patientNext(at offset: Int64) async throws(BlobReader.Failure) -> BlobPiece? {
    guard let remaining = patience.withLock({ $0?.remaining(at: offset) }), !reader.hasBytes(at: offset) else {
      return try await reader.next(at: offset)
    }
    let start = ContinuousClock.now
    let result = await withDeadline(start + remaining) { [reader] () -> Result<BlobPiece, BlobReader.Failure> in
      do throws(BlobReader.Failure) { return .success(try await reader.next(at: offset)) } catch {
        return .failure(error)
      }
    }
    patience.withLock { $0?.noteWait(.now - start) }
    if Task.isCancelled { throw .cancelled }
    return try result?.get()
  }
}
