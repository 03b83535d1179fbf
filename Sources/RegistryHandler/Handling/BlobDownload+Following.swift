extension BlobDownload {
  /// How long a reader may wait for what another process has written.
  private static let interval: Duration = .milliseconds(10)

  /// Follows what another process writes; `nil` when that one has ended without the blob, and this one may take over.
  func follow(_ file: OpenFile) async throws(UpstreamError) -> FillProgress.Phase? {
    var hasBegun = false
    while true {
      if file.tryLock() {
        defer { file.unlock() }
        // Left where it was: to be gone on with, by whoever comes first.
        if file.isStillAtItsPath() { return nil }
        if services.store.size(of: fill.digest) != nil {
          if hasBegun, let size = try? file.size() { fill.advance(to: size) }
          return .complete
        }
        // Most likely given up as wrong: what readers have got of it must not be gone on with.
        guard hasBegun else { return nil }
        throw UpstreamError(.invalidAnswer, "another process ended its download of \(fill.digest) without keeping it")
      }
      if !hasBegun, let record = services.store.partialRecord(of: fill.digest) {
        fill.begin(file, size: record.size, origin: record.origin)
        hasBegun = true
      }
      if hasBegun, let size = try? file.size() { fill.advance(to: size) }
      if services.fills.removeIfForsaken(fill) { throw .forsaken }
      try? await Task.sleep(for: Self.interval)
    }
  }
}
