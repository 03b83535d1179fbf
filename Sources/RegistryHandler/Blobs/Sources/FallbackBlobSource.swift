internal import Synchronization

/// The bytes of a fill, then of upstream: for one client, if the store cannot take more of the blob, or if the fill of
/// another upstream is too slow.
final class FallbackBlobSource: BlobSource {
  /// Requests the range from an offset on; all bytes before the offset are in the file.
  typealias Opener = @Sendable (_ offset: Int64, _ file: OpenFile) async throws(UpstreamError) -> UpstreamBlobSource

  private let source: FileBlobSource
  private let open: Opener
  private let rest = Mutex<UpstreamBlobSource?>(nil)
  private let patience: Mutex<FillPatience?>

  /// - Parameter patience: with the fill of another upstream; without it, only a failure of the store ends the wait.
  init(_ source: FileBlobSource, patience: FillPatience? = nil, _ open: @escaping Opener) {
    self.source = source
    self.open = open
    self.patience = Mutex(patience)
  }

  var range: Range<Int64> { source.range }

  func next(at offset: Int64) async throws(BlobSourceFailure) -> BlobChunk {
    if let rest = rest.withLock({ $0 }) { return try await rest.next(at: offset) }
    do throws(BlobSourceFailure) {
      if let chunk = try await patientNext(at: offset) { return chunk }
    } catch {
      guard permitsFallback(error) else { throw error }
    }
    let upstream: UpstreamBlobSource
    do throws(UpstreamError) {
      upstream = try await open(offset, source.file)
    } catch {
      // A slow fill is still better than none.
      guard patience.withLock({ $0 != nil }) else { throw .upstream(error) }
      patience.withLock { $0 = nil }
      return try await next(at: offset)
    }
    rest.withLock { $0 = upstream }
    return try await upstream.next(at: offset)
  }

  /// Returns whether upstream can continue after a failure: always after one of another upstream's fill.
  private func permitsFallback(_ failure: BlobSourceFailure) -> Bool {
    switch failure {
    case .fill(let failure): failure.permitsBypass || patience.withLock { $0 != nil }
    case .ended: patience.withLock { $0 != nil }
    case .upstream, .cancelled: false
    }
  }

  /// Returns the next bytes of the fill; `nil` when it has been too slow.
  private func patientNext(at offset: Int64) async throws(BlobSourceFailure) -> BlobChunk? {
    guard let remaining = patience.withLock({ $0?.remaining(at: offset) }), !source.hasBytes(at: offset) else {
      return try await source.next(at: offset)
    }
    let start = ContinuousClock.now
    let result = await withDeadline(start + remaining) { [source] () -> Result<BlobChunk, BlobSourceFailure> in
      do throws(BlobSourceFailure) { return .success(try await source.next(at: offset)) } catch {
        return .failure(error)
      }
    }
    patience.withLock { $0?.noteWait(.now - start) }
    if Task.isCancelled { throw .cancelled }
    return try result?.get()
  }
}
