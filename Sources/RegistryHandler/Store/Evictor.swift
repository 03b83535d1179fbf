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
    let lastUse: Int64
  }

  private struct State {
    /// The one to go first is last.
    var candidates: [Candidate] = []
    /// A look at all blobs is not repeated before.
    var nextLook = ContinuousClock.now
  }

  /// What has been evicted.
  private struct Gone {
    var blobs: UInt64 = 0
    /// As the disk counts them.
    var bytes: Int64 = 0

    mutating func add(_ size: Int64) {
      blobs += 1
      bytes += StoreUsage.taken(by: size)
    }
  }

  private enum Outcome {
    /// - bytes: how much has gone; less than was wanted when nothing more may go.
    case evicted(Int64)
    /// Another thread or process is at it.
    case busy
  }

  /// How long a blob that is wholly here waits for room before it is given up.
  private static let patience: Duration = .seconds(5)

  /// So many blobs go before the total of all processes is written, which costs as much as the removal of one.
  private static let countedTogether: UInt64 = 64

  private let store: Store
  private let policy: EvictionPolicy
  private let logger: Logger
  /// Seconds since 1970.
  private let now: @Sendable () -> Int64
  private let state = Mutex(State())
  private let blobs = Atomic<UInt64>(0)
  private let bytes = Atomic<UInt64>(0)

  /// - Parameter now: seconds since 1970.
  package init(_ store: Store, _ limits: StoreLimits, logger: Logger, now: @escaping @Sendable () -> Int64) {
    self.store = store
    policy = EvictionPolicy(limits)
    self.logger = logger
    self.now = now
  }

  /// How many blobs, and bytes of them, this process has evicted.
  package var evicted: (blobs: UInt64, bytes: UInt64) {
    (blobs.load(ordering: .relaxed), bytes.load(ordering: .relaxed))
  }

  // MARK: - Room for a blob

  /// Counts a blob that is about to be kept, if there is room. Blocks shortly.
  package func reserve(_ size: Int64) -> Bool {
    let taken = StoreUsage.taken(by: size)
    guard policy.limits.isLimited else {
      store.usage.add(taken)
      return true
    }
    // The bytes are on the disk already: only the total grows.
    guard policy.excess(total: 0, adding: 0, free: freeSpace) == 0 else { return false }
    return store.usage.reserve(taken, upTo: policy.limits.maxSize ?? .max)
  }

  /// Makes room for a blob and counts it; false when nothing may go for it. Blocks.
  package func makeRoom(for size: Int64) async -> Bool {
    let deadline = ContinuousClock.now + Self.patience
    while !reserve(size) {
      let taken = StoreUsage.taken(by: size)
      let wanted = policy.excess(total: store.usage.total ?? 0, adding: taken, free: freeSpace)
      switch evict(wanted) {
      case .evicted(let bytes) where bytes >= wanted: continue
      case .evicted: return reserve(size)
      case .busy:
        guard .now < deadline else { return false }
        try? await Task.sleep(for: .milliseconds(20))
      }
    }
    return true
  }

  /// Gives back what was counted for a blob that was not kept after all.
  package func giveBack(_ size: Int64) { store.usage.add(-StoreUsage.taken(by: size)) }

  // MARK: - In the background

  /// Evicts ahead of need, so that downloads find room. Blocks.
  package func maintain() {
    guard policy.limits.isLimited else { return }
    if store.usage.total == nil { withLock { look(&$0) } }
    let wanted = policy.excessAhead(total: store.usage.total ?? 0, free: freeSpace)
    if wanted > 0 { _ = evict(wanted) }
  }

  /// Counts all blobs anew, and removes what serves nobody. Blocks.
  package func collect() {
    withLock { state in
      if policy.limits.isLimited { look(&state) }
      StoreCollector(store, now: now()).collect()
    }
  }

  // MARK: - Eviction

  private var freeSpace: Int64? {
    policy.limits.minFree == nil ? nil : store.fileSystem.freeSpace(at: store.layout.blobs)
  }

  /// Runs where no other thread or process does; false where one does.
  @discardableResult
  private func withLock(_ body: (inout State) -> Void) -> Bool {
    guard let file = try? OpenFile(store.layout.evictorLock, .readWrite, [.create, .closeOnExec, .noFollow]),
      file.tryLock()
    else { return false }
    defer { file.unlock() }
    state.withLock { body(&$0) }
    return true
  }

  private func evict(_ wanted: Int64) -> Outcome {
    var gone = Gone()
    var uncounted = Gone()
    let start = ContinuousClock.now
    let isMine = withLock { state in
      defer { count(&uncounted) }
      while gone.bytes < wanted {
        guard let candidate = state.candidates.last else {
          guard state.nextLook < .now else { return }
          look(&state)
          if state.candidates.isEmpty { return }
          continue
        }
        // In their order: where this one may not go, none may.
        guard policy.mayEvict(lastUse: candidate.lastUse, now: now()) else { return }
        state.candidates.removeLast()
        // One that was used since is younger than it seemed; the next look finds it in its place.
        let path = store.layout.blob(candidate.digest)
        guard let use = store.fileSystem.use(of: path), use.lastUse <= candidate.lastUse else { continue }
        store.fileSystem.remove(path)
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

  /// Lets all processes know of what has gone.
  private func count(_ gone: inout Gone) {
    guard gone.blobs > 0 else { return }
    store.usage.add(-gone.bytes)
    blobs.add(gone.blobs, ordering: .relaxed)
    bytes.add(UInt64(gone.bytes), ordering: .relaxed)
    gone = Gone()
  }

  /// Looks at all blobs: what they take, and in which order they go.
  private func look(_ state: inout State) {
    let start = ContinuousClock.now
    let before = store.usage.total
    let pinned = policy.limits.pins.isEmpty ? [] : pinnedBlobs()
    var total: Int64 = 0
    state.candidates = []
    store.forEachBlob { digest, use in
      total += StoreUsage.taken(by: use.size)
      if !pinned.contains(digest) { state.candidates.append(Candidate(digest: digest, lastUse: use.lastUse)) }
    }
    state.candidates.sort { $0.lastUse > $1.lastUse }
    do {
      try store.usage.set(total, before: before)
    } catch {
      logger.error("the size of the store cannot be recorded", metadata: ["error": "\(error)"])
    }
    // Where little may go it is not looked for all the time.
    let duration = ContinuousClock.now - start
    state.nextLook = .now + max(.seconds(1), duration * 10)
  }

  private func pinnedBlobs() -> Set<Digest> {
    var pinned: Set<Digest> = []
    store.forEachPlace { place in
      guard policy.pins(place) else { return }
      pinned.formUnion(store.blobLinks(in: place))
      pinned.formUnion(store.manifestLinks(in: place))
    }
    return pinned
  }
}
