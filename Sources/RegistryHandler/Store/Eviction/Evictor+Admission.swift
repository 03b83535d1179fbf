internal import Synchronization

/// Whether a download may take room in the store.
package enum Admission: Equatable, Sendable {
  /// Its size is counted: it will be kept.
  case reserved
  /// Nothing is counted: clients share it, and whether it is kept is decided at its end.
  case shared
  /// It would break a limit: it is not to be written at all.
  case refused
}

extension Evictor {
  /// How long clients wait for eviction before the first byte of a blob.
  private static let admissionPatience: Duration = .seconds(2)

  /// How long a blob that is wholly here waits for room before it is given up.
  private static let patience: Duration = .seconds(5)

  // MARK: - Before a download

  /// Decides by the announced size, before the first byte is written, and makes room. Blocks.
  ///
  /// What is admitted is withdrawn by `withdraw(_:)` when the download has ended.
  /// - Parameters:
  ///   - size: as announced, in bytes; `nil` when unknown.
  ///   - present: how much of the blob is on the disk already, in bytes.
  ///   - written: how much of it is there later, in bytes.
  ///   - announce: lets other processes know of it, before they admit another.
  package func admit(
    _ digest: Digest,
    size: Int64?,
    present: Int64,
    written: @escaping @Sendable () -> Int64,
    announce: (Admission) -> Void
  ) async -> Admission {
    func add(_ admission: Admission) -> Admission {
      growing.add(digest, size: size, isReserved: admission == .reserved, written: written)
      announce(admission)
      return admission
    }
    guard let size else { return add(.shared) }
    guard policy.limits.isLimited else {
      store.usage.add(StoreUsage.taken(by: size))
      return add(.reserved)
    }
    let growth = max(0, size - present)
    let hasRoom = await makeRoom(for: size, growth: growth, besides: digest, patience: Self.admissionPatience) {
      _ = add(.reserved)
    }
    if hasRoom { return .reserved }
    return withAdmissionLock {
      let totals = growing.totals(except: digest, isFresh: true)
      guard policy.permitsSharing(size, besides: totals.shared), hasFreeSpace(for: growth, totals) else {
        return .refused
      }
      return add(.shared)
    }
  }

  /// Forgets a download that has ended, kept or not.
  package func withdraw(_ digest: Digest) { growing.remove(digest) }

  /// Gives back what was counted for a blob that was not kept after all.
  package func unreserve(_ size: Int64) { store.usage.add(-StoreUsage.taken(by: size)) }

  /// Whether a blob of unknown size may go on to grow. Blocks shortly.
  /// - Parameters:
  ///   - length: what it comes to, in bytes.
  ///   - step: how much of that is still to be written, in bytes.
  package func permitsGrowth(of digest: Digest, to length: Int64, by step: Int64) -> Bool {
    guard policy.limits.isLimited else { return true }
    let others = growing.totals(except: digest)
    let free = freeSpace?.subtractingClamped(others.outstanding).subtractingClamped(step)
    let total = (store.usage.total ?? 0).addingClamped(others.unsized)
    return policy.permitsGrowth(to: length, total: total, free: free)
  }

  // MARK: - After a download

  /// Counts a blob that is about to be kept, if there is room. Its bytes are on the disk already. Blocks shortly.
  package func reserve(_ size: Int64, of digest: Digest? = nil) -> Bool { reserve(size, growth: 0, besides: digest) {} }

  /// Makes room for a blob and counts it; false when too little may go for it, and then nothing has. Blocks.
  package func makeRoom(for size: Int64, of digest: Digest? = nil) async -> Bool {
    await makeRoom(for: size, growth: 0, besides: digest, patience: Self.patience) {}
  }

  // MARK: -

  private func hasFreeSpace(for growth: Int64, _ totals: GrowthTotals) -> Bool {
    excess(total: 0, adding: 0, growth, totals) == 0
  }

  private func excess(total: Int64, adding taken: Int64, _ growth: Int64, _ totals: GrowthTotals) -> Int64 {
    let free = freeSpace?.subtractingClamped(totals.outstanding).subtractingClamped(growth)
    return policy.excess(total: total, adding: taken, free: free)
  }

  /// - Parameters:
  ///   - growth: what is still to be written of it, in bytes.
  ///   - onSuccess: run before another download is admitted.
  private func reserve(_ size: Int64, growth: Int64, besides digest: Digest?, onSuccess: () -> Void) -> Bool {
    let taken = StoreUsage.taken(by: size)
    guard policy.limits.isLimited else {
      store.usage.add(taken)
      return true
    }
    return withAdmissionLock {
      guard hasFreeSpace(for: growth, growing.totals(except: digest, isFresh: growth > 0)),
        store.usage.reserve(taken, upTo: policy.limits.maxSize ?? .max)
      else { return false }
      onSuccess()
      return true
    }
  }

  private func makeRoom(
    for size: Int64,
    growth: Int64,
    besides digest: Digest?,
    patience: Duration,
    onSuccess: () -> Void
  ) async -> Bool {
    let deadline = ContinuousClock.now + patience
    var pause = Duration.milliseconds(20)
    while !reserve(size, growth: growth, besides: digest, onSuccess: onSuccess) {
      let total = store.usage.total ?? 0
      let totals = growing.totals(except: digest)
      let wanted = excess(total: total, adding: StoreUsage.taken(by: size), growth, totals)
      if case .evicted(let bytes) = evict(wanted, .allOrNothing) {
        if reserve(size, growth: growth, besides: digest, onSuccess: onSuccess) { return true }
        if bytes < wanted { return false }
        // Another blob was faster, or the file system is slower: it may give free what has gone only later.
        pause *= 2
      }
      guard .now < deadline else { return false }
      try? await Task.sleep(for: pause)
    }
    return true
  }
}
