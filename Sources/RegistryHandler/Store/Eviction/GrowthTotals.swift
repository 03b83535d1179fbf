/// The space that the downloads of all processes are about to take.
struct GrowthTotals: Equatable, Sendable {
  /// The bytes that are announced and not written yet.
  var outstanding: Int64 = 0
  /// The bytes that the total of the store includes already.
  var reserved: Int64 = 0
  /// The bytes announced for blobs that readers share although the store will not take them.
  var shared: Int64 = 0
  /// The bytes that are written.
  var written: Int64 = 0
  /// The bytes that are written of blobs of unknown size.
  var unsized: Int64 = 0

  /// Adds a download.
  /// - Parameter size: as announced, in bytes; `nil` when unknown.
  mutating func add(size: Int64?, written: Int64, isReserved: Bool) {
    self.written = self.written.addingClamped(written)
    guard let size, size >= 0 else {
      unsized = unsized.addingClamped(written)
      return
    }
    outstanding = outstanding.addingClamped(max(0, size - written))
    if isReserved {
      reserved = reserved.addingClamped(StoreUsage.taken(by: size))
    } else {
      shared = shared.addingClamped(size)
    }
  }
}
