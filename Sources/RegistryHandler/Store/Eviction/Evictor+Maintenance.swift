extension Evictor {
  /// Evicts ahead of need, so that downloads find room. Blocks.
  package func maintain() {
    guard policy.limits.isLimited else { return }
    var total = store.usage.total
    // The total cannot be written where no byte is free: the result of the scan is used all the same.
    if total == nil { withEvictorLock { total = renew(&$0) } }
    trimPartials()
    // Room for downloads was made when they began; until one is stored, no blob is evicted for it.
    let growth = growing.totals()
    let wanted = policy.excessOverHighWatermark(
      total: (total ?? 0).subtractingClamped(growth.reserved),
      free: freeSpace?.addingClamped(growth.written)
    )
    if wanted > 0 { _ = evict(wanted, .asMuchAsPossible) }
  }

  /// Removes abandoned downloads that exceed the limits, the oldest first.
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

  /// Counts all blobs anew: a killed process has not given back what it had reserved for its downloads. Blocks.
  package func recount() {
    if policy.limits.isLimited { withEvictorLock { _ = renew(&$0) } }
  }

  /// Counts all blobs anew, and removes garbage. Blocks.
  package func collectGarbage() {
    recount()
    // Not under the evictor's lock: no request that needs room waits for the garbage collection.
    withLock(store.layout.collectorLock) { GarbageCollector(store, now: now()).collectGarbage() }
  }
}
