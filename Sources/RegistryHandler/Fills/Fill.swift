internal import Synchronization

/// The one download of a blob in this process, and what its readers share.
package final class Fill: Sendable {
  package let digest: Digest
  /// The repository it is asked from: for this one, upstream's answer is the proof.
  package let repository: UpstreamRepository
  /// What becomes of redirects to storage for the client that began it.
  package let mode: RedirectMode
  package let progress = Observed(FillProgress())
  /// Of what is there, when each reader has to go on by itself.
  package let beginning = PrefixHash()
  private let file = Mutex<OpenFile?>(nil)
  private let throttle = Mutex(ProgressThrottle())
  let leaseCount = Atomic(0)

  package init(_ digest: Digest, from repository: UpstreamRepository, mode: RedirectMode = .passThrough) {
    self.digest = digest
    self.repository = repository
    self.mode = mode
  }

  /// Waits until upstream's answer is known well enough to answer clients; `nil` when the caller's task is cancelled.
  ///
  /// The progress is then settled, or one that readers can follow.
  package func opened() async -> FillProgress? {
    await progress.first { $0.isFinished || $0.canStream }
  }

  /// Whether a byte is there before the deadline, or the fill has ended, so that nobody need wait for it.
  func reaches(_ offset: Int64, by deadline: ContinuousClock.Instant) async -> Bool {
    let isReached = { @Sendable (progress: FillProgress) in progress.readable > offset || progress.isFinished }
    if isReached(progress.value) { return true }
    return await withDeadline(deadline) { [progress] in await progress.first(where: isReached) != nil } ?? false
  }

  /// A reader of the growing file; `nil` before there is one.
  package func makeReader(_ range: Range<Int64>) -> FileBlobSource? {
    file.withLock { $0 }.map { FileBlobSource($0, range: range, following: progress, by: makeLease()) }
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
  package func begin(_ file: OpenFile, size: Int64?, written: Int64 = 0, origin: UpstreamRepository?) {
    // Before the file is there: of another one, less may be there than of the one before.
    throttle.withLock { $0 = ProgressThrottle() }
    progress.update { $0.written = min($0.written, written) }
    self.file.withLock { $0 = file }
    progress.update {
      $0.phase = .receiving
      $0.written = written
      $0.size = size
      $0.origin = origin
      $0.awaitsAnother = false
    }
  }

  /// Lets clients know that another process asks another upstream for it.
  package func awaitAnother() { progress.update { $0.awaitsAnother = true } }

  /// Lets readers have the end: the digest is right.
  package func releaseTail() {
    notify()
    progress.update { $0.isVerified = true }
  }

  /// Lets readers have what has been written, now or within a moment.
  package func advance(to written: Int64) {
    let readers = leaseCount.load(ordering: .relaxed)
    switch throttle.withLock({ $0.advance(to: written, readers: readers, now: .now) }) {
    case .notify: notify()
    case .wait: break
    case .notifyAt(let time):
      Task {
        try? await Task.sleep(until: time, clock: .continuous)
        notify(isScheduled: true)
      }
    }
  }

  /// - Parameter origin: a repository for which upstream has proved the blob.
  package func end(_ phase: FillProgress.Phase, origin: UpstreamRepository? = nil) {
    notify()
    progress.update {
      $0.phase = phase
      $0.awaitsAnother = false
      if let origin { $0.origin = origin }
    }
  }

  private func notify(isScheduled: Bool = false) {
    // Under the lock, so that what is told never goes back.
    throttle.withLock { throttle in
      guard let written = throttle.takePending(now: .now, isScheduled: isScheduled) else { return }
      progress.update { $0.written = written }
    }
  }
}

/// The fills of this process, one per digest.
package final class FillTable: Sendable {
  private let fills = Mutex<[Digest: Fill]>([:])

  package init() {}

  /// The fill under way, or a new one that the caller has to start; it goes on while the caller keeps the interest.
  package func join(
    _ digest: Digest,
    from repository: UpstreamRepository,
    mode: RedirectMode = .passThrough
  ) -> (fill: Fill, isNew: Bool, interest: FillLease) {
    fills.withLock { fills in
      if let fill = fills[digest] { return (fill, false, fill.makeLease()) }
      let fill = Fill(digest, from: repository, mode: mode)
      fills[digest] = fill
      return (fill, true, fill.makeLease())
    }
  }

  package func remove(_ fill: Fill) {
    fills.withLock { fills in
      if fills[fill.digest] === fill { fills[fill.digest] = nil }
    }
  }

  /// Whether the fill has been abandoned: then it is removed, and whoever comes next begins another.
  package func removeIfAbandoned(_ fill: Fill) -> Bool { remove(fill) { $0.isAbandoned } }

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
