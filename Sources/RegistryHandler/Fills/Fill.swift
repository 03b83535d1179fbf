internal import Synchronization

/// The request that a fill was started for.
package struct FillOrigin: Hashable, Sendable {
  /// The repository to request the blob from: for this one, upstream's response is the proof.
  package let repository: UpstreamRepository
  /// The redirect mode of the client.
  package let mode: RedirectMode

  package init(repository: UpstreamRepository, mode: RedirectMode = .passThrough) {
    self.repository = repository
    self.mode = mode
  }
}

/// The one download of a blob in this process, and the state that its readers share.
package final class Fill: Sendable {
  package let digest: Digest
  package let origin: FillOrigin
  package let progress = Observed(FillProgress())
  /// The hash of the file's beginning, for readers that each continue from upstream.
  let prefixHash = PrefixHash()
  private let file = Mutex<OpenFile?>(nil)
  private let throttle = Mutex(ProgressThrottle())
  let leaseCount = Atomic(0)

  package init(_ digest: Digest, for origin: FillOrigin) {
    self.digest = digest
    self.origin = origin
  }

  // MARK: - For readers

  /// Waits until the progress is finished or can stream; `nil` when the caller's task is cancelled.
  package func opened() async -> FillProgress? {
    await progress.first { $0.isFinished || $0.canStream }
  }

  /// Waits until a byte is readable or the fill has ended; false past the deadline.
  package func reaches(_ offset: Int64, by deadline: ContinuousClock.Instant) async -> Bool {
    let isReached = { @Sendable (progress: FillProgress) in progress.readable > offset || progress.isFinished }
    if isReached(progress.value) { return true }
    return await withDeadline(deadline) { [progress] in await progress.first(where: isReached) != nil } ?? false
  }

  /// Makes a reader of the growing file; `nil` before there is one.
  package func makeReader(_ range: Range<Int64>) -> FileBlobSource? {
    file.withLock { $0 }.map { FileBlobSource($0, range: range, following: progress, lease: makeLease()) }
  }

  /// Indicates whether the bytes are, or will be, those of another upstream.
  package func isOfAnotherUpstream(than upstream: UpstreamName) -> Bool {
    progress.value.isOfAnotherUpstream(than: upstream, startedFor: origin)
  }

  // MARK: - For the task

  /// Indicates whether readers, if any, have their bytes from this file: each keeps the file that it began with.
  func canContinue(with file: OpenFile) -> Bool {
    guard let current = self.file.withLock({ $0 }) else { return true }
    return current.isSame(as: file)
  }

  /// Indicates whether readers, if any, have their bytes from the file at a path.
  func canContinue(withFileAt path: String) -> Bool {
    guard let current = self.file.withLock({ $0 }) else { return true }
    return current.isAt(path)
  }

  /// Lets clients read the growing file of this or another process.
  /// - Parameters:
  ///   - size: of the whole in bytes, where upstream announced it.
  ///   - written: the length of the file in bytes.
  ///   - proved: the repository that the bytes come from.
  package func begin(_ file: OpenFile, size: Int64?, written: Int64 = 0, proved: UpstreamRepository?) {
    // Before the file is replaced: another one may be shorter than the one before.
    throttle.withLock { $0 = ProgressThrottle() }
    progress.update { $0.written = min($0.written, written) }
    self.file.withLock { $0 = file }
    progress.update {
      $0.phase = .receiving
      $0.written = written
      $0.size = size
      $0.provedRepository = proved
      $0.awaitsAnother = false
    }
  }

  /// Lets clients know that another process requests the blob from another upstream.
  func awaitAnother() { progress.update { $0.awaitsAnother = true } }

  /// Lets readers have the withheld tail: the digest is right.
  func releaseTail() {
    notify()
    progress.update { $0.isVerified = true }
  }

  /// Lets readers have the written bytes, now or within a moment.
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

  /// - Parameter proved: a repository for which upstream has proved the blob.
  package func end(_ phase: FillProgress.Phase, proved: UpstreamRepository? = nil) {
    notify()
    progress.update {
      $0.phase = phase
      $0.awaitsAnother = false
      if let proved { $0.provedRepository = proved }
    }
  }

  private func notify(isScheduled: Bool = false) {
    // Under the lock, so that the published length never decreases.
    throttle.withLock { throttle in
      guard let written = throttle.takePending(now: .now, isScheduled: isScheduled) else { return }
      progress.update { $0.written = written }
    }
  }
}
