extension FillTask {
  /// The pauses between two looks at a file that another process writes: at first, and at most while nothing arrives.
  private static let intervals: (least: Duration, most: Duration) = (.milliseconds(10), .milliseconds(100))

  /// Waits while another process requests the blob and has no file yet, then restarts.
  func awaitRequest(toSameUpstream isSameUpstream: Bool) async throws(FillFailure) -> Step {
    var (isSameUpstream, isFirst) = (isSameUpstream, true)
    var interval = Self.intervals.least
    while true {
      // Not at the first look, when the other process may not have marked its upstream yet.
      if !isFirst, !isSameUpstream { fill.awaitAnother() }
      if table.removeIfUnread(fill) { throw .abandoned }
      try? await Task.sleep(for: interval)
      guard !context.store.hasPartial(fill.digest),
        case .taken(let isSame) = context.pendingRequests.begin(fill.digest, to: repository.upstream)
      else { return .restart }
      (isSameUpstream, isFirst) = (isSame, false)
      interval = min(interval * 2, Self.intervals.most)
    }
  }

  /// Follows a file that another process writes; restarts when that process has ended without the blob.
  func follow(_ file: OpenFile) async throws(FillFailure) -> Step {
    var hasBegun = isStreaming
    var known: Int64?
    var interval = Self.intervals.least
    while true {
      if file.tryLock() { return try released(file) }
      // The record of a killed process proves nothing for its repository, and may be outdated.
      if !hasBegun, file.isRecordMarked, let record = context.store.partialRecord(of: fill.digest) {
        fill.begin(file, size: record.size, proved: record.origin)
        hasBegun = true
      }
      let size = try? file.size()
      if hasBegun, let size { fill.advance(to: size) }
      // Not at the first look, when the writer may not have marked its upstream yet.
      if !hasBegun, known != nil, !file.isRequestMarked(to: fill.origin.repository.upstream) { fill.awaitAnother() }
      // The writing process decides whether the rest is worth having.
      if table.removeIfUnread(fill) { throw .abandoned }
      interval = size == known ? min(interval * 2, Self.intervals.most) : Self.intervals.least
      known = size
      try? await Task.sleep(for: interval)
    }
  }

  /// Continues after the writer has released its lock, which this process holds now.
  private func released(_ file: OpenFile) throws(FillFailure) -> Step {
    let isLeftover = file.isStillAtItsPath()
    file.unlock()
    // Whoever claims it first resumes a leftover.
    if isLeftover { return .restart }
    if let phase = try storedPhase() { return .done(phase) }
    guard isStreaming else { return .restart }
    return .done(try abandonedPhase(file))
  }

  /// Classifies a file that another process abandoned: verified but not stored, a prefix (readers continue individually),
  /// or wrong bytes. Blocks.
  private func abandonedPhase(_ file: OpenFile) throws(FillFailure) -> FillProgress.Phase {
    guard let size = try? file.size(), size == fill.progress.value.size,
      let hash = try? ContentHasher(fill.digest.algorithm, ofFirst: size, in: file)
    else { throw .fileReplaced }
    guard hash.hex() == fill.digest.hex else {
      let reason = "another process was sent bytes whose digest is not \(fill.digest)"
      throw .upstream(UpstreamError(.invalidResponse, reason))
    }
    fill.advance(to: size)
    return .notStored
  }
}
