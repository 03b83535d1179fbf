/// A manifest or a list in memory.
struct Document: Sendable {
  let bytes: [UInt8]
  /// Kept as long as the bytes.
  let reservation: ByteBudget.Reservation

  static let noRoom = UpstreamError(
    .unavailable,
    "this proxy handles too many large manifests and lists: retry in a moment"
  )
}
