/// The blobs found by the last scan of the store, in the order of their eviction, and the time of the next scan.
struct EvictionScan: Sendable {
  /// A blob that may be evicted.
  struct Candidate: Sendable {
    let digest: Digest
    /// The access time in seconds since 1970.
    let accessTime: Int64

    /// The size of the blob in bytes; `nil` when the blob was used since the scan, or is removed.
    func size(in store: Store) -> Int64? {
      guard let status = store.fileSystem.status(of: store.layout.blob(digest)), status.accessTime <= accessTime else {
        return nil
      }
      return status.size
    }
  }

  /// The candidates, the first one to evict at the end.
  private var candidates: [Candidate] = []
  /// The time before which no other scan begins.
  private var nextScan: ContinuousClock.Instant

  init(nextScan: ContinuousClock.Instant) { self.nextScan = nextScan }

  var isEmpty: Bool { candidates.isEmpty }

  /// The candidate to evict first.
  var first: Candidate? { candidates.last }

  mutating func removeFirst() { candidates.removeLast() }

  /// Returns whether the store may be scanned again.
  func isDue(at now: ContinuousClock.Instant) -> Bool { nextScan < now }

  /// Delays the next scan by ten times the duration of this one, so that a store where little may be evicted is not
  /// scanned all the time.
  mutating func delayNext(after duration: Duration, now: ContinuousClock.Instant) {
    nextScan = now + max(.seconds(1), duration * 10)
  }

  /// Returns whether the candidates come to a number of bytes. Blocks.
  func canFree(_ bytes: Int64, in store: Store, _ policy: EvictionPolicy, now: () -> Int64) -> Bool {
    var rest = bytes
    for candidate in candidates.reversed() {
      if rest <= 0 { return true }
      guard policy.mayEvict(accessTime: candidate.accessTime, now: now()) else { return false }
      // The candidate may have been used since, or another process has removed it.
      if let size = candidate.size(in: store) { rest -= StoreUsage.taken(by: size) }
    }
    return rest <= 0
  }

  /// Finds all blobs and drops the pinned ones. Blocks, long in a large store.
  /// - Returns: the bytes that all blobs take on the disk.
  mutating func findCandidates(in store: Store, _ policy: EvictionPolicy) -> Int64 {
    var total: Int64 = 0
    candidates = []
    store.forEachBlob { digest, status in
      total = total.addingClamped(StoreUsage.taken(by: status.size))
      candidates.append(Candidate(digest: digest, accessTime: status.accessTime))
    }
    if !policy.limits.pins.isEmpty {
      // Pins are read after the blobs, since a link is written before its blob.
      let pinned = Self.pinnedBlobs(in: store, policy)
      candidates.removeAll { pinned.contains($0.digest) }
    }
    candidates.sort { $0.accessTime > $1.accessTime }
    return total
  }

  private static func pinnedBlobs(in store: Store, _ policy: EvictionPolicy) -> Set<Digest> {
    var pinned: Set<Digest> = []
    store.forEachRepository { repository in
      guard policy.pins(repository) else { return }
      pinned.formUnion(store.blobLinks(in: repository))
      pinned.formUnion(store.manifestLinks(in: repository))
    }
    return pinned
  }
}
