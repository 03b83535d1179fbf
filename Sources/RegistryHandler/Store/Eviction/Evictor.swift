package import Logging
internal import Synchronization
internal import SystemPackage

/// Keeps the store within its limits: the blob that has not been used for the longest time goes first.
///
/// One process at a time evicts. Blobs are looked at all together, once for as many evictions as there are blobs, so that
/// the cost grows with what goes.
package final class Evictor: Sendable {
  private struct Candidate {
    let digest: Digest
    let accessTime: Int64
  }

  private struct State {
    /// The one to go first is last.
    var candidates: [Candidate] = []
    /// A look at all blobs is not repeated before.
    var nextScan: ContinuousClock.Instant
  }

  /// What has been evicted.
  private struct EvictedTotal {
    var blobs: UInt64 = 0
    /// As the disk counts them.
    var bytes: Int64 = 0

    mutating func add(_ size: Int64) {
      blobs += 1
      bytes += StoreUsage.taken(by: size)
    }
  }

  /// How far an eviction goes for what is wanted.
  enum Extent {
    /// As far as it may.
    case whatMayGo
    /// Nothing goes where less may than is wanted: one blob that is too large would empty the store, and not be kept.
    case allOrNothing
    /// The same, without another look at all blobs.
    case allOrNothingKnown
  }

  enum Outcome {
    /// - bytes: how much has gone; less than was wanted when nothing more may go.
    case evicted(Int64)
    /// Another thread or process is at it.
    case busy
  }

  /// So many blobs go before the total of all processes is written, which costs as much as the removal of one.
  private static let countedTogether: UInt64 = 64

  let store: Store
  let policy: EvictionPolicy
  private let logger: Logger
  /// Seconds since 1970.
  private let now: @Sendable () -> Int64
  private let clock: @Sendable () -> ContinuousClock.Instant
  /// What downloads are about to take.
  let growing: GrowingPartials
  /// One download of this process after another is admitted.
  private let admissions = Mutex<Void>(())
  private let state: Mutex<State>
  private let blobs = Atomic<UInt64>(0)
  private let bytes = Atomic<UInt64>(0)

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - clock: by which a look at all blobs is not repeated too soon.
  package init(
    _ store: Store,
    _ limits: StoreLimits,
    logger: Logger,
    now: @escaping @Sendable () -> Int64,
    clock: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.store = store
    policy = EvictionPolicy(limits)
    self.logger = logger
    self.now = now
    self.clock = clock
    growing = GrowingPartials(store, clock: clock)
    state = Mutex(State(nextScan: clock()))
  }

  /// How many blobs, and bytes of them, this process has evicted.
  package var evicted: (blobs: UInt64, bytes: UInt64) {
    (blobs.load(ordering: .relaxed), bytes.load(ordering: .relaxed))
  }

  // MARK: - Room for a manifest

  /// Makes room within `max_size` for a manifest, which is counted when it is kept; false when too little is known to go for it.
  /// Nobody waits for it long: neither are all blobs looked at, nor does more go than it takes. Blocks.
  package func makeRoom(forManifestOf size: Int) -> Bool {
    let taken = StoreUsage.taken(by: Int64(size))
    func excess() -> Int64 { policy.excess(total: store.usage.total ?? 0, adding: taken, free: nil) }
    let wanted = excess()
    if wanted > 0 { _ = evict(wanted, .allOrNothingKnown) }
    return wanted == 0 || excess() == 0
  }

  // MARK: - In the background

  /// Evicts ahead of need, so that downloads find room. Blocks.
  package func maintain() {
    guard policy.limits.isLimited else { return }
    var total = store.usage.total
    // The total cannot be written where no byte is free: it has to be acted on all the same.
    if total == nil { withLock { total = scan(&$0) } }
    trimPartials()
    // Room for downloads was made when they began; until one is kept, nothing goes for it.
    let growth = growing.totals()
    let wanted = policy.excessOverHighWatermark(
      total: (total ?? 0).subtractingClamped(growth.reserved),
      free: freeSpace?.addingClamped(growth.written)
    )
    if wanted > 0 { _ = evict(wanted, .whatMayGo) }
  }

  /// Removes what is left of downloads, those first that nobody has gone on with for the longest time.
  private func trimPartials() {
    let collector = GarbageCollector(store, now: now())
    let abandoned = collector.partials(unchangedFor: GarbageCollector.abandonment)
    let total = abandoned.reduce(0) { $0 + $1.taken }
    var excess = policy.excessOfPartials(total: total, free: freeSpace)
    for partial in abandoned {
      guard excess > 0 else { return }
      if collector.discard(partial) { excess -= partial.taken }
    }
  }

  /// Counts all blobs anew: a process that was killed has given back nothing of what its downloads were about to take. Blocks.
  package func recount() {
    if policy.limits.isLimited { withLock { _ = scan(&$0) } }
  }

  /// Counts all blobs anew, and removes what serves nobody. Blocks.
  package func collectGarbage() {
    recount()
    // Nobody who needs room waits for this.
    withLock(store.layout.collectorLock) { GarbageCollector(store, now: now()).collectGarbage() }
  }

  // MARK: - Eviction

  var freeSpace: Int64? {
    policy.limits.minFree == nil ? nil : store.fileSystem.freeSpace(at: store.layout.blobs)
  }

  /// Runs where no other thread or process evicts; false where one does.
  @discardableResult
  private func withLock(_ body: (inout State) -> Void) -> Bool {
    withLock(store.layout.evictorLock) { state.withLock { body(&$0) } }
  }

  @discardableResult
  private func withLock(_ path: String, _ body: () -> Void) -> Bool {
    guard let file = try? OpenFile(path, .readWrite, [.create, .closeOnExec, .noFollow]), file.tryLock() else {
      return false
    }
    defer { file.unlock() }
    body()
    return true
  }

  /// Runs where no other thread or process admits a download: what is counted and what is recorded then agree. Blocks shortly.
  func withAdmissionLock<Value>(_ body: () -> Value) -> Value {
    admissions.withLock { _ in
      // Without descriptors downloads of other processes may be admitted at the same time, which costs exactness.
      let file = try? OpenFile(store.layout.admissionLock, .readWrite, [.create, .closeOnExec, .noFollow])
      file?.lock()
      defer { file?.unlock() }
      return body()
    }
  }

  func evict(_ wanted: Int64, _ extent: Extent) -> Outcome {
    var gone = EvictedTotal()
    var uncounted = EvictedTotal()
    let start = ContinuousClock.now
    let isMine = withLock { state in
      defer { count(&uncounted) }
      func mayScan() -> Bool { extent != .allOrNothingKnown && state.nextScan < clock() }
      func isEnough() -> Bool { extent == .whatMayGo || mayEvict(wanted - gone.bytes, state) }
      if !isEnough() {
        guard mayScan() else { return }
        scan(&state)
        guard isEnough() else { return }
      }
      while gone.bytes < wanted {
        guard let candidate = state.candidates.last else {
          guard mayScan() else { return }
          // A look counts what is there: what has gone before it must not be taken off once more.
          count(&uncounted)
          scan(&state)
          if state.candidates.isEmpty || !isEnough() { return }
          continue
        }
        // In their order: where this one may not go, none may.
        guard policy.mayEvict(accessTime: candidate.accessTime, now: now()) else { return }
        state.candidates.removeLast()
        // One that was used since is younger than it seemed; the next look finds it in its place.
        let path = store.layout.blob(candidate.digest)
        guard let use = store.fileSystem.status(of: path), use.accessTime <= candidate.accessTime else { continue }
        guard store.fileSystem.remove(path) else { continue }
        gone.add(use.size)
        uncounted.add(use.size)
        if uncounted.blobs == Self.countedTogether { count(&uncounted) }
      }
    }
    guard isMine else { return .busy }
    if gone.blobs > 0 {
      logger.info(
        "eviction pass",
        metadata: [
          "store.evicted_blobs": "\(gone.blobs)", "store.evicted_bytes": "\(gone.bytes)",
          "store.bytes": "\(store.usage.total ?? 0)", "duration": "\(ContinuousClock.now - start)",
        ]
      )
    }
    return .evicted(gone.bytes)
  }

  /// Whether so many bytes may go.
  private func mayEvict(_ wanted: Int64, _ state: State) -> Bool {
    var rest = wanted
    for candidate in state.candidates.reversed() {
      if rest <= 0 { return true }
      guard policy.mayEvict(accessTime: candidate.accessTime, now: now()) else { return false }
      // It may have been used since, or another process has removed it.
      let use = store.fileSystem.status(of: store.layout.blob(candidate.digest))
      if let use, use.accessTime <= candidate.accessTime { rest -= StoreUsage.taken(by: use.size) }
    }
    return rest <= 0
  }

  /// Lets all processes know of what has gone.
  private func count(_ gone: inout EvictedTotal) {
    guard gone.blobs > 0 else { return }
    store.usage.add(-gone.bytes)
    blobs.add(gone.blobs, ordering: .relaxed)
    bytes.add(UInt64(gone.bytes), ordering: .relaxed)
    gone = EvictedTotal()
  }

  /// Looks at all blobs: what they take, and in which order they go.
  /// - Returns: what they take, in bytes.
  @discardableResult
  private func scan(_ state: inout State) -> Int64 {
    let start = ContinuousClock.now
    // Counted before the blobs, so that a download that is kept meanwhile is not forgotten.
    let (before, reserved) = withAdmissionLock { (store.usage.total, growing.totals(isFresh: true).reserved) }
    var total = reserved
    state.candidates = []
    store.forEachBlob { digest, use in
      total = total.addingClamped(StoreUsage.taken(by: use.size))
      state.candidates.append(Candidate(digest: digest, accessTime: use.accessTime))
    }
    if !policy.limits.pins.isEmpty {
      // After the blobs: a link is there before its blob.
      let pinned = pinnedBlobs()
      state.candidates.removeAll { pinned.contains($0.digest) }
    }
    state.candidates.sort { $0.accessTime > $1.accessTime }
    do {
      try store.usage.set(total, before: before)
    } catch {
      logger.error("the size of the store cannot be recorded", metadata: ["error": "\(error)"])
    }
    // Where little may go it is not looked for all the time.
    let duration = ContinuousClock.now - start
    state.nextScan = clock() + max(.seconds(1), duration * 10)
    return total
  }

  private func pinnedBlobs() -> Set<Digest> {
    var pinned: Set<Digest> = []
    store.forEachRepository { repository in
      guard policy.pins(repository) else { return }
      pinned.formUnion(store.blobLinks(in: repository))
      pinned.formUnion(store.manifestLinks(in: repository))
    }
    return pinned
  }
}
