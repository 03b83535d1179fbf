extension Evictor {
  /// The time for which clients wait for eviction before the first byte of a blob.
  private static let admissionPatience: Duration = .seconds(2)

  /// The time for which a complete blob waits for room before it is discarded.
  private static let patience: Duration = .seconds(5)

  // MARK: - Before a download

  /// Decides by the announced size, before the first byte is written, and makes room. Blocks.
  ///
  /// The caller withdraws an admitted download by `withdraw(_:)` when it has ended.
  /// - Parameters:
  ///   - size: as announced, in bytes; `nil` when unknown.
  ///   - present: the bytes of the blob that are on the disk already.
  ///   - written: the bytes of the blob that are on the disk later.
  ///   - announce: tells other processes of the download, before they admit another.
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

  /// Forgets a download that has ended, with or without its blob stored.
  package func withdraw(_ digest: Digest) { growing.remove(digest) }

  /// Subtracts the reserved size of a blob that was not stored.
  package func unreserve(_ size: Int64) { store.usage.add(-StoreUsage.taken(by: size)) }

  /// Returns whether a blob of unknown size may grow further. Blocks briefly.
  /// - Parameters:
  ///   - length: the length after the growth, in bytes.
  ///   - step: the part of the length that is still to be written, in bytes.
  package func permitsGrowth(of digest: Digest, to length: Int64, by step: Int64) -> Bool {
    guard policy.limits.isLimited else { return true }
    let others = growing.totals(except: digest)
    let free = freeSpace?.subtractingClamped(others.outstanding).subtractingClamped(step)
    let total = (store.usage.total ?? 0).addingClamped(others.unsized)
    return policy.permitsGrowth(to: length, total: total, free: free)
  }

  // MARK: - After a download

  /// Reserves room for a complete download that is about to be stored; returns false without room. Blocks briefly.
  package func reserve(_ size: Int64, of digest: Digest? = nil) -> Bool { reserve(size, growth: 0, besides: digest) {} }

  /// Makes room for a blob and reserves it; false when too little may be evicted, and then no blob is. Blocks.
  package func makeRoom(for size: Int64, of digest: Digest? = nil) async -> Bool {
    await makeRoom(for: size, growth: 0, besides: digest, patience: Self.patience) {}
  }

  /// Makes room within `max_size` for a manifest, which is counted when it is stored. Blocks.
  ///
  /// A manifest does not wait: no scan takes place, and no more is evicted than the manifest takes.
  /// - Returns: false when too few candidates of the last scan may be evicted.
  package func makeRoom(forManifestOf size: Int) -> Bool {
    let taken = StoreUsage.taken(by: Int64(size))
    func excess() -> Int64 { policy.excess(total: store.usage.total ?? 0, adding: taken, free: nil) }
    let wanted = excess()
    if wanted > 0 { _ = evict(wanted, .allOrNothingWithoutScan) }
    return wanted == 0 || excess() == 0
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
  ///   - growth: the bytes of the blob that are still to be written.
  ///   - onSuccess: runs before another download is admitted.
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
        // Another blob took the room, or the file system frees the space of evicted blobs only later.
        pause *= 2
      }
      guard .now < deadline else { return false }
      try? await Task.sleep(for: pause)
    }
    return true
  }
}
