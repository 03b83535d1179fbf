internal import Synchronization

/// The one download of a blob in this process, and what its readers share.
package final class Fill: Sendable {
  package let digest: Digest
  /// The repository it is asked from: for this one, upstream's answer is the proof.
  package let place: RepositoryPlace
  /// What becomes of redirects to storage for the client that began it.
  package let external: ExternalRedirects
  package let progress = Observed(FillProgress())
  /// Of what is there, when each reader has to go on by itself.
  package let beginning = SharedHash()
  private let file = Mutex<OpenFile?>(nil)
  private let pace = Mutex(ProgressPace())
  let interests = Atomic(0)

  package init(_ digest: Digest, from place: RepositoryPlace, external: ExternalRedirects = .passThrough) {
    self.digest = digest
    self.place = place
    self.external = external
  }

  /// Waits until upstream's answer is known well enough to answer clients; `nil` when the caller's task is cancelled.
  ///
  /// The progress is then settled, or one that readers can follow.
  package func opened() async -> FillProgress? {
    await progress.first { $0.isSettled || $0.isStreamable }
  }

  /// Whether a byte is there before the deadline, or the fill has ended, so that nobody need wait for it.
  func reaches(_ offset: Int64, by deadline: ContinuousClock.Instant) async -> Bool {
    let isReached = { @Sendable (progress: FillProgress) in progress.readable > offset || progress.isSettled }
    if isReached(progress.value) { return true }
    return await withDeadline(deadline) { [progress] in await progress.first(where: isReached) != nil } ?? false
  }

  /// A reader of the growing file; `nil` before there is one.
  package func makeReader(_ range: Range<Int64>) -> BlobReader? {
    file.withLock { $0 }.map { BlobReader($0, range: range, following: progress, by: makeInterest()) }
  }

  /// Whether what readers have of the blob, if anything, is of this file: they keep the one that they began with.
  package func mayGoOn(with file: OpenFile) -> Bool {
    guard let begun = self.file.withLock({ $0 }) else { return true }
    return begun.isSame(as: file)
  }

  /// The same for the file at a path.
  package func mayGoOn(withFileAt path: String) -> Bool {
    guard let begun = self.file.withLock({ $0 }) else { return true }
    return begun.isAt(path)
  }

  /// Lets clients read: the file is there, and its size where upstream told.
  /// - Parameters:
  ///   - file: the file that grows, here or in another process.
  ///   - size: of the whole, in bytes.
  ///   - written: how much of the file is there, in bytes.
  ///   - origin: the repository whose bytes they are.
  package func begin(_ file: OpenFile, size: Int64?, written: Int64 = 0, origin: RepositoryPlace?) {
    // Before the file is there: of another one, less may be there than of the one before.
    pace.withLock { $0 = ProgressPace() }
    progress.update { $0.written = min($0.written, written) }
    self.file.withLock { $0 = file }
    progress.update {
      $0.phase = .filling
      $0.written = written
      $0.size = size
      $0.origin = origin
      $0.awaitsAnother = false
    }
  }

  /// Lets clients know that another process asks another upstream for it.
  package func awaitAnother() { progress.update { $0.awaitsAnother = true } }

  /// Lets readers have the end: the digest is right.
  package func release() {
    tell()
    progress.update { $0.isVerified = true }
  }

  /// Lets readers have what has been written, now or within a moment.
  package func advance(to written: Int64) {
    let readers = interests.load(ordering: .relaxed)
    switch pace.withLock({ $0.advance(to: written, readers: readers, now: .now) }) {
    case .tell: tell()
    case .wait: break
    case .tellAt(let time):
      Task {
        try? await Task.sleep(until: time, clock: .continuous)
        tell(isArranged: true)
      }
    }
  }

  /// - Parameter origin: a repository for which upstream has proved the blob.
  package func end(_ phase: FillProgress.Phase, origin: RepositoryPlace? = nil) {
    tell()
    progress.update {
      $0.phase = phase
      $0.awaitsAnother = false
      if let origin { $0.origin = origin }
    }
  }

  private func tell(isArranged: Bool = false) {
    // Under the lock, so that what is told never goes back.
    pace.withLock { pace in
      guard let written = pace.takeUntold(now: .now, isArranged: isArranged) else { return }
      progress.update { $0.written = written }
    }
  }
}

/// The fills of this process, one per digest.
package final class Fills: Sendable {
  private let fills = Mutex<[Digest: Fill]>([:])

  package init() {}

  /// The fill under way, or a new one that the caller has to start; it goes on while the caller keeps the interest.
  package func join(
    _ digest: Digest,
    from place: RepositoryPlace,
    external: ExternalRedirects = .passThrough
  ) -> (fill: Fill, isNew: Bool, interest: FillInterest) {
    fills.withLock { fills in
      if let fill = fills[digest] { return (fill, false, fill.makeInterest()) }
      let fill = Fill(digest, from: place, external: external)
      fills[digest] = fill
      return (fill, true, fill.makeInterest())
    }
  }

  package func remove(_ fill: Fill) {
    fills.withLock { fills in
      if fills[fill.digest] === fill { fills[fill.digest] = nil }
    }
  }

  /// Whether the fill has been forsaken: then it is removed, and whoever comes next begins another.
  package func removeIfForsaken(_ fill: Fill) -> Bool { remove(fill) { $0.isForsaken } }

  /// The same for a fill that is not worth finishing without a reader, however little is missing.
  package func removeIfUnread(_ fill: Fill) -> Bool { remove(fill) { !$0.isRead } }

  private func remove(_ fill: Fill, if condition: (Fill) -> Bool) -> Bool {
    guard condition(fill) else { return false }
    // Again, as somebody may have joined meanwhile; nobody can any more.
    return fills.withLock { fills in
      guard condition(fill) else { return false }
      if fills[fill.digest] === fill { fills[fill.digest] = nil }
      return true
    }
  }

  package var count: Int { fills.withLock(\.count) }
}
