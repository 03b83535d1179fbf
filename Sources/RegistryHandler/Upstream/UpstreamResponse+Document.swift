internal import NIOCore

extension UpstreamResponse {
  /// Reads a manifest or a list into memory; `nil` when it is longer than the limit.
  ///
  /// Throws an error of kind `.busy` when the documents in memory leave no room for it.
  /// - Parameter limit: in bytes.
  func document(upTo limit: Int, countedBy budget: ByteBudget) async throws(UpstreamError) -> Document? {
    let reservation = budget.makeReservation()
    var bytes: [UInt8] = []
    if let announced = contentLength {
      guard announced <= limit else { return nil }
      // At once, since what grows is copied. It is counted as it comes: upstream may announce what it never sends.
      bytes.reserveCapacity(Int(announced))
    }
    do {
      try await body.forEachChunk { chunk in
        guard reservation.grow(to: bytes.count + chunk.readableBytes) else { throw Document.noRoom }
        bytes.append(contentsOf: chunk.readableBytesView)
        return bytes.count <= limit
      }
    } catch let error as UpstreamError {
      throw error
    } catch {
      throw UpstreamError(.unreachable, "\(error)")
    }
    return bytes.count <= limit ? Document(bytes: bytes, reservation: reservation) : nil
  }
}

/// A manifest or a list in memory.
struct Document: Sendable {
  let bytes: [UInt8]
  /// Held as long as the bytes are.
  let reservation: ByteBudget.Reservation

  static let noRoom = UpstreamError(
    .busy,
    "this proxy has too many large manifests and lists in work: ask again in a moment"
  )
}
