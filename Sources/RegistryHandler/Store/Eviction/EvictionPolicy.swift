/// The rules of how much is evicted, and which blobs may be; pure.
package struct EvictionPolicy: Equatable, Sendable {
  /// The time after a use in which a blob is not evicted, in seconds.
  package static let protection: Int64 = 120

  package var limits: StoreLimits

  package init(_ limits: StoreLimits) { self.limits = limits }

  /// The number of bytes to evict before some more fit.
  package func excess(total: Int64, adding: Int64, free: Int64?) -> Int64 {
    let above = limits.maxSize.map { total.addingClamped(adding).subtractingClamped($0) } ?? 0
    let missing = limits.minFree.flatMap { minFree in free.map { minFree.subtractingClamped($0) } } ?? 0
    return max(0, above, missing)
  }

  /// The number of bytes to evict ahead of need: above 95 % of `max_size` down to 90 %, and below 105 % of `min_free`
  /// up to 110 %.
  package func excessOverHighWatermark(total: Int64, free: Int64?) -> Int64 {
    var excess: Int64 = 0
    if let maxSize = limits.maxSize, total > maxSize / 20 * 19 { excess = total - maxSize / 10 * 9 }
    if let minFree = limits.minFree, let free, free < minFree + minFree / 20 {
      excess = max(excess, minFree + minFree / 10 - free)
    }
    return excess
  }

  /// The number of bytes of abandoned downloads to remove: those beyond a tenth of `max_size`, or those missing from
  /// `min_free` by the same watermark as for blobs.
  package func excessOfPartials(total: Int64, free: Int64?) -> Int64 {
    let above = limits.maxSize.map { total - $0 / 10 } ?? 0
    return min(total, max(0, above, excessOverHighWatermark(total: 0, free: free)))
  }

  /// Returns whether a blob of unknown size may grow: it may exceed either limit by a tenth, as it evicts nothing
  /// before its end.
  /// - Parameters:
  ///   - length: the length of the blob so far, in bytes.
  ///   - free: the free space besides that of other downloads, in bytes.
  package func permitsGrowth(to length: Int64, total: Int64, free: Int64?) -> Bool {
    if let maxSize = limits.maxSize, total.addingClamped(length) > maxSize.addingClamped(maxSize / 10) { return false }
    if let minFree = limits.minFree, let free, free < minFree - minFree / 10 { return false }
    return true
  }

  /// The growth of a blob of unknown size between two checks of the limits, in bytes; `nil` without limits.
  package var growthStep: Int64? {
    [limits.maxSize, limits.minFree].compactMap(\.self).min().map { max(64 << 10, min(8 << 20, $0 / 40)) }
  }

  /// Returns whether a blob that will not be stored may be on the disk while clients read it: all such blobs together
  /// may take a tenth of `max_size`.
  package func permitsSharing(_ size: Int64, besides shared: Int64) -> Bool {
    limits.maxSize.map { shared.addingClamped(size) <= $0 / 10 } ?? true
  }

  /// Returns whether a blob may be evicted. A use within a minute after the recorded one may not have been recorded.
  package func mayEvict(accessTime: Int64, now: Int64) -> Bool {
    now - accessTime > Self.protection + Store.accessTimeInterval
  }

  /// Returns whether the blobs of a repository are never evicted.
  package func pins(_ repository: UpstreamRepository) -> Bool {
    limits.pins.contains { $0.matches(repository.description) }
  }
}
