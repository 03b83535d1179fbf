internal import NIOCore

/// A part of a stored blob, in place of the body that upstream would send.
struct StoredBody: UpstreamBody {
  private static let chunkSize: Int64 = 64 << 10

  let file: OpenFile
  /// The part, in bytes.
  let range: Range<Int64>

  /// Passes the chunks on in order. Blocks.
  func forEachChunk(_ consume: (ByteBuffer) async throws -> Bool) async throws {
    var offset = range.lowerBound
    while offset < range.upperBound {
      var chunk = ByteBuffer()
      let size = Int(min(Self.chunkSize, range.upperBound - offset))
      let count = try chunk.writeWithUnsafeMutableBytes(minimumWritableBytes: size) {
        try file.read(into: UnsafeMutableRawBufferPointer(rebasing: $0.prefix(size)), at: offset)
      }
      guard count > 0 else { throw UpstreamError(.unavailable, "the stored blob is shorter than before") }
      offset += Int64(count)
      guard try await consume(chunk) else { return }
    }
  }
}
