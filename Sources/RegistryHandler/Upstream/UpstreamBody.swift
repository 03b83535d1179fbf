package import NIOCore

/// A body that is read once, by one task; a second reading is an error.
package protocol UpstreamBody: Sendable {
  /// Passes the chunks on in order; throws an `UpstreamError` when the body breaks off or stalls.
  ///
  /// Returning false from `consume` ends the reading and closes the connection.
  func forEachChunk(_ consume: (ByteBuffer) async throws -> Bool) async throws
}

extension UpstreamBody {
  /// Reads the whole body; `nil` when it is longer than the limit in bytes.
  package func collect(upTo limit: Int) async throws(UpstreamError) -> [UInt8]? {
    var bytes: [UInt8] = []
    do {
      try await forEachChunk { chunk in
        bytes.append(contentsOf: chunk.readableBytesView)
        return bytes.count <= limit
      }
    } catch {
      throw UpstreamError(unexpected: error)
    }
    return bytes.count <= limit ? bytes : nil
  }

  /// Reads an unneeded body, so that its connection can be reused; gives up a long one.
  package func discard() async { _ = try? await collect(upTo: 64 * 1024) }

  /// Discards the body of a response that delays a client; gives up a body that does not arrive at once.
  package func discardBriefly() async {
    await withDeadline(.now + .seconds(1)) { _ = try? await collect(upTo: 16 * 1024) }
  }
}
