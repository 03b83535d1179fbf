internal import NIOCore

extension UpstreamResponse {
  /// Reads a manifest or a list into memory; `nil` when it is longer than the limit.
  ///
  /// Throws an error of kind `.unavailable` when the documents in memory leave no room for it.
  /// - Parameters:
  ///   - limit: in bytes.
  ///   - upstream: the one in whose share of the budget the document counts.
  func document(
    upTo limit: Int,
    countedBy budget: ByteBudget,
    for upstream: UpstreamName
  ) async throws(UpstreamError) -> Document? {
    let reservation = budget.makeReservation(for: upstream.description)
    var bytes: [UInt8] = []
    if let announced = contentLength {
      guard announced <= limit else { return nil }
      // At once, since growing copies. The bytes are counted as they arrive: upstream may announce more than it sends.
      bytes.reserveCapacity(Int(announced))
    }
    do {
      try await body.forEachChunk { chunk in
        guard reservation.grow(to: bytes.count + chunk.readableBytes) else {
          bytes = []
          throw Document.noRoom
        }
        bytes.append(contentsOf: chunk.readableBytesView)
        return bytes.count <= limit
      }
    } catch {
      throw UpstreamError(unexpected: error)
    }
    return bytes.count <= limit ? Document(bytes: bytes, reservation: reservation) : nil
  }
}
