internal import Synchronization

/// Follows a download, and goes on with upstream for its one client where the store can take no more.
final class FallbackReader: BlobSource {
  /// Opens upstream from an offset to the end of the range; all before the offset is in the file.
  typealias Opener = @Sendable (_ offset: Int64, _ file: OpenFile) async throws(UpstreamError) -> UpstreamReader

  private let reader: BlobReader
  private let open: Opener
  private let rest = Mutex<UpstreamReader?>(nil)

  init(_ reader: BlobReader, _ open: @escaping Opener) {
    self.reader = reader
    self.open = open
  }

  var range: Range<Int64> { reader.range }

  func next(at offset: Int64) async throws(BlobReader.Failure) -> BlobPiece {
    if let rest = rest.withLock({ $0 }) { return try await rest.next(at: offset) }
    do throws(BlobReader.Failure) {
      return try await reader.next(at: offset)
    } catch {
      guard case .brokenOff(let failure) = error, failure.kind == .store else { throw error }
    }
    let upstream: UpstreamReader
    do throws(UpstreamError) {
      upstream = try await open(offset, reader.file)
    } catch {
      throw .brokenOff(error)
    }
    rest.withLock { $0 = upstream }
    return try await upstream.next(at: offset)
  }
}
