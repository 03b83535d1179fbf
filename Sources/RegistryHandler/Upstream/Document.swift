/// A manifest or a list in memory.
struct Document: Sendable {
  let bytes: [UInt8]
  /// The reservation of the bytes, held as long as they are.
  let reservation: ByteBudget.Reservation

  static let noRoom = UpstreamError(
    .unavailable,
    "this proxy handles too many large manifests and lists: retry in a moment"
  )
}
