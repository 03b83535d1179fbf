extension FillTask {
  /// How long a reader waits for what another process has written: at first, and at most while nothing comes.
  private static let intervals: (least: Duration, most: Duration) = (.milliseconds(10), .milliseconds(100))

  /// Follows what another process writes; `nil` when that one has ended without the blob, and this one may take over.
  func follow(_ file: OpenFile) async throws(UpstreamError) -> FillProgress.Phase? {
    var hasBegun = isStreaming
    var known: Int64?
    var interval = Self.intervals.least
    while true {
      if file.tryLock() {
        let isLeft = file.isStillAtItsPath()
        file.unlock()
        // Where it was: to be gone on with, by whoever comes first.
        if isLeft { return nil }
        if let phase = try stored() { return phase }
        guard isStreaming else { return nil }
        return try notStored(file)
      }
      // A record that a killed process has left proves nothing for the repository in it, and what it tells may have changed.
      if !hasBegun, file.isRecordMarked, let record = services.store.partialRecord(of: fill.digest) {
        fill.begin(file, size: record.size, origin: record.origin)
        hasBegun = true
      }
      let size = try? file.size()
      if hasBegun, let size { fill.advance(to: size) }
      // Not at the first look, when the writer may not have told yet whom it asks.
      if !hasBegun, known != nil, !file.isRequestMarked(to: fill.repository.upstream) { fill.awaitAnother() }
      // The process that writes decides whether the rest is worth having.
      if services.fills.removeIfUnread(fill) { throw .abandoned }
      interval = size == known ? min(interval * 2, Self.intervals.most) : Self.intervals.least
      known = size
      try? await Task.sleep(for: interval)
    }
  }

  /// What a file is worth that another process has given up: all of it was right but the store would not take it, or it is a
  /// beginning, which each reader goes on with by itself and checks, or it is wrong. Blocks.
  private func notStored(_ file: OpenFile) throws(UpstreamError) -> FillProgress.Phase {
    guard let size = try? file.size(), size == fill.progress.value.size,
      let hash = try? ContentHasher(fill.digest.algorithm, ofFirst: size, in: file)
    else { throw UpstreamError(.store, "another process ended its download of \(fill.digest) without keeping it") }
    guard hash.hex() == fill.digest.hex else {
      throw UpstreamError(.invalidResponse, "another process was sent bytes whose digest is not \(fill.digest)")
    }
    fill.advance(to: size)
    return .notStored
  }
}
