internal import Synchronization
internal import SystemPackage

/// What the downloads of all processes still take, before it can be seen on the disk.
struct GrowthTotals: Equatable, Sendable {
  /// Announced, and not written yet, in bytes.
  var outstanding: Int64 = 0
  /// Counted in the total of the store already, in bytes.
  var reserved: Int64 = 0
  /// Announced for blobs that readers share although the store will not keep them, in bytes.
  var shared: Int64 = 0
  /// Written, in bytes.
  var written: Int64 = 0
  /// Of that, what is of blobs of unknown size.
  var unsized: Int64 = 0

  /// - Parameter size: as announced, in bytes; `nil` when unknown.
  mutating func add(size: Int64?, written: Int64, isReserved: Bool) {
    self.written = self.written.addingClamped(written)
    guard let size, size >= 0 else {
      unsized = unsized.addingClamped(written)
      return
    }
    outstanding = outstanding.addingClamped(max(0, size - written))
    if isReserved {
      reserved = reserved.addingClamped(StoreUsage.taken(by: size))
    } else {
      shared = shared.addingClamped(size)
    }
  }

  static func + (one: GrowthTotals, other: GrowthTotals) -> GrowthTotals {
    GrowthTotals(
      outstanding: one.outstanding.addingClamped(other.outstanding),
      reserved: one.reserved.addingClamped(other.reserved),
      shared: one.shared.addingClamped(other.shared),
      written: one.written.addingClamped(other.written),
      unsized: one.unsized.addingClamped(other.unsized)
    )
  }
}

/// The partial files that grow: those of this process as they are, those of others as their files and records tell.
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

  /// The files of other processes are looked at again after this.
  private static let scanInterval: Duration = .seconds(1)

  private let store: Store
  private let clock: @Sendable () -> ContinuousClock.Instant
  private let state = Mutex(State())

  init(_ store: Store, clock: @escaping @Sendable () -> ContinuousClock.Instant) {
    self.store = store
    self.clock = clock
  }

  /// - Parameters:
  ///   - size: as announced, in bytes; `nil` when unknown.
  ///   - written: how much is there, in bytes.
  func add(_ digest: Digest, size: Int64?, isReserved: Bool, written: @escaping @Sendable () -> Int64) {
    state.withLock { $0.own[digest] = Growth(size: size, isReserved: isReserved, written: written) }
  }

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
    store.forEachPartial { digest, use in
      // An abandoned partial file takes no more than can be seen on the disk.
      guard !known.contains(digest),
        let file = try? OpenFile(store.layout.partial(digest), .readOnly, [.closeOnExec, .noFollow]), file.isRecordMarked
      else { return }
      let record = store.partialRecord(of: digest)
      totals.add(size: record?.size, written: use.size, isReserved: record?.isReserved ?? false)
    }
    return totals
  }
}
