internal import Synchronization
internal import SystemPackage

/// The partial files that grow: those of this process by its own count, those of others by their files and records.
final class GrowingPartials: Sendable {
  private struct Growth: Sendable {
    let size: Int64?
    let isReserved: Bool
    let written: @Sendable () -> Int64
  }

  private struct State {
    var own: [Digest: Growth] = [:]
    var others = GrowthTotals()
    var nextScan: ContinuousClock.Instant?
  }

  /// The time between two scans of the files of other processes.
  private static let scanInterval: Duration = .seconds(1)

  private let store: Store
  private let clock: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex(State())

  init(_ store: Store, clock: @escaping @Sendable () -> ContinuousClock.Instant) {
    self.store = store
    self.clock = clock
  }

  /// Adds a download of this process.
  /// - Parameters:
  ///   - size: as announced, in bytes; `nil` when unknown.
  ///   - written: the number of bytes written so far.
  func add(_ digest: Digest, size: Int64?, isReserved: Bool, written: @escaping @Sendable () -> Int64) {
    state.withLock { $0.own[digest] = Growth(size: size, isReserved: isReserved, written: written) }
  }

  /// Removes a download of this process.
  func remove(_ digest: Digest) { state.withLock { $0.own[digest] = nil } }

  /// Adds up all downloads but one. Blocks on the files of other processes, at most once a second unless `isFresh`.
  func totals(except digest: Digest? = nil, isFresh: Bool = false) -> GrowthTotals {
    let (own, others) = state.withLock { state in
      if isFresh || state.nextScan.map({ clock() >= $0 }) ?? true {
        state.others = scan(except: Set(state.own.keys).union(digest.map { [$0] } ?? []))
        state.nextScan = clock() + Self.scanInterval
      }
      return (state.own, state.others)
    }
    var totals = others
    for (key, growth) in own where key != digest {
      totals.add(size: growth.size, written: growth.written(), isReserved: growth.isReserved)
    }
    return totals
  }

  private func scan(except known: Set<Digest>) -> GrowthTotals {
    var totals = GrowthTotals()
    store.forEachPartial { digest, status in
      // An abandoned partial file takes no more than its size on the disk.
      guard !known.contains(digest),
        let file = try? OpenFile(store.layout.partial(digest), .readOnly, [.closeOnExec, .noFollow]),
        file.isRecordMarked
      else { return }
      let record = store.partialRecord(of: digest)
      totals.add(size: record?.size, written: status.size, isReserved: record?.isReserved ?? false)
    }
    return totals
  }
}
