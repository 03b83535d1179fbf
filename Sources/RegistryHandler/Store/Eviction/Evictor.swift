package import Logging
internal import Synchronization

/// The guard of the store's limits: the blob with the oldest access time is evicted first.
///
/// One process at a time evicts. A single scan finds the candidates for as many evictions as there are blobs, so that
/// the cost grows with the number of evicted blobs.
package final class Evictor: Sendable {
  /// The number and the space of evicted blobs.
  private struct EvictedTotal {
    var blobs: UInt64 = 0
    /// The space on the disk in bytes.
    var bytes: Int64 = 0

    mutating func add(_ size: Int64) {
      blobs += 1
      bytes += StoreUsage.taken(by: size)
    }
  }

  /// The reach of an eviction.
  enum Extent {
    /// Evicts as much as may be evicted.
    case asMuchAsPossible
    /// Evicts nothing where too little may be evicted: an oversized blob would empty the store, and not be stored.
    case allOrNothing
    /// Evicts all or nothing, without another scan.
    case allOrNothingWithoutScan
  }

  /// The result of an eviction.
  enum Outcome {
    /// The number of bytes that were evicted; less than wanted when no other blob may be evicted.
    case evicted(Int64)
    /// Another thread or process evicts.
    case busy
  }

  /// The number of evicted blobs after which the shared total is updated, which costs as much as one removal.
  private static let countedTogether: UInt64 = 64

  let store: Store
  let policy: EvictionPolicy
  private let logger: Logger
  /// The clock of access times, in seconds since 1970.
  let now: @Sendable () -> Int64
  private let clock: @Sendable () -> ContinuousClock.Instant
  /// The downloads under way.
  let growing: GrowingPartials
  /// The lock under which this process admits one download after another.
  let admissions = Mutex<Void>(())
  let scan: Mutex<EvictionScan>
  private let blobs = Atomic<UInt64>(0)
  private let bytes = Atomic<UInt64>(0)

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - clock: the clock that limits how often all blobs are scanned.
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
    scan = Mutex(EvictionScan(nextScan: clock()))
  }

  /// The number of blobs, and their bytes, that this process has evicted.
  package var evicted: (blobs: UInt64, bytes: UInt64) {
    (blobs.load(ordering: .relaxed), bytes.load(ordering: .relaxed))
  }

  var freeSpace: Int64? {
    policy.limits.minFree == nil ? nil : store.fileSystem.freeSpace(at: store.layout.blobs)
  }

  // MARK: - Eviction

  /// Evicts blobs unless another thread or process does. Blocks.
  /// - Parameter wanted: the space to free, in bytes.
  func evict(_ wanted: Int64, _ extent: Extent) -> Outcome {
    let start = ContinuousClock.now
    var evicted = EvictedTotal()
    guard withEvictorLock({ evicted = evict(wanted, extent, from: &$0) }) else { return .busy }
    if evicted.blobs > 0 {
      logger.info(
        "eviction pass",
        metadata: [
          "store.evicted_blobs": "\(evicted.blobs)", "store.evicted_bytes": "\(evicted.bytes)",
          "store.bytes": "\(store.usage.total ?? 0)", "duration": "\(ContinuousClock.now - start)",
        ]
      )
    }
    return .evicted(evicted.bytes)
  }

  private func evict(_ wanted: Int64, _ extent: Extent, from scan: inout EvictionScan) -> EvictedTotal {
    var evicted = EvictedTotal()
    var uncounted = EvictedTotal()
    defer { count(&uncounted) }
    func isEnough() -> Bool {
      extent == .asMuchAsPossible || scan.canFree(wanted - evicted.bytes, in: store, policy, now: now)
    }
    if !isEnough() {
      guard renew(&scan, for: extent), isEnough() else { return evicted }
    }
    while evicted.bytes < wanted {
      guard let candidate = scan.first else {
        // Counted before the scan, which counts the blobs that are left: the evicted ones must be subtracted once only.
        count(&uncounted)
        guard renew(&scan, for: extent), !scan.isEmpty, isEnough() else { break }
        continue
      }
      // The candidates are ordered: where this one may not be evicted, no other may.
      guard policy.mayEvict(accessTime: candidate.accessTime, now: now()) else { break }
      scan.removeFirst()
      // A blob that was used since is younger than it seemed; the next scan finds it in its place.
      guard let size = candidate.size(in: store), store.fileSystem.remove(store.layout.blob(candidate.digest)) else {
        continue
      }
      evicted.add(size)
      uncounted.add(size)
      if uncounted.blobs == Self.countedTogether { count(&uncounted) }
    }
    return evicted
  }

  /// Updates the total that all processes share.
  private func count(_ evicted: inout EvictedTotal) {
    guard evicted.blobs > 0 else { return }
    store.usage.add(-evicted.bytes)
    blobs.add(evicted.blobs, ordering: .relaxed)
    bytes.add(UInt64(evicted.bytes), ordering: .relaxed)
    evicted = EvictedTotal()
  }

  // MARK: - Scans

  /// Scans all blobs if that is due and the extent permits it.
  /// - Returns: true if the blobs were scanned.
  private func renew(_ scan: inout EvictionScan, for extent: Extent) -> Bool {
    guard extent != .allOrNothingWithoutScan, scan.isDue(at: clock()) else { return false }
    renew(&scan)
    return true
  }

  /// Scans all blobs, and sets the total of the store. Blocks, long in a large store.
  /// - Returns: the total in bytes.
  @discardableResult
  func renew(_ scan: inout EvictionScan) -> Int64 {
    let start = ContinuousClock.now
    // Read before the blobs, so that a download that is stored meanwhile is not forgotten.
    let (before, reserved) = withAdmissionLock { (store.usage.total, growing.totals(isFresh: true).reserved) }
    let total = scan.findCandidates(in: store, policy).addingClamped(reserved)
    do {
      try store.usage.set(total, before: before)
    } catch {
      logger.error("cannot record the size of the store", metadata: ["error": "\(error)"])
    }
    scan.delayNext(after: ContinuousClock.now - start, now: clock())
    return total
  }
}
