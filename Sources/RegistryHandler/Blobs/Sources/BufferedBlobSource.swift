internal import NIOCore

/// A range of a small blob in memory.
struct BufferedBlobSource: BlobSource {
  let range: Range<Int64>
  private let bytes: ByteBuffer

  /// - Parameter bytes: of the whole blob.
  init(_ bytes: ByteBuffer, range: Range<Int64>) {
    self.bytes = bytes
    self.range = range
  }

  func next(at offset: Int64) async throws(BlobSourceFailure) -> BlobChunk {
    let start = bytes.readerIndex + Int(offset)
    guard let slice = bytes.getSlice(at: start, length: Int(range.upperBound - offset)) else {
      throw .ended(at: offset)
    }
    return .bytes(slice)
  }
}
