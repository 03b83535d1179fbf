/// How much the store may take, and what stays whatever happens.
package struct StoreLimits: Equatable, Sendable {
  /// The most that the blobs take, in bytes.
  package var maxSize: Int64?
  /// What is to be left free in the file system, in bytes.
  package var minFree: Int64?
  /// Globs of `upstream/repository`: what they contain is never evicted.
  package var pins: [GlobPattern] = []

  package init() {}

  package var isLimited: Bool { maxSize != nil || minFree != nil }
}

/// Decides how much has to go, and what may; pure.
package struct EvictionPolicy: Equatable, Sendable {
  /// How often a use of a blob is recorded at most, in seconds.
  package static let useInterval: Int64 = 60

  /// Nothing that was served in this time goes, in seconds.
  package static let protection: Int64 = 120

  package var limits: StoreLimits

  package init(_ limits: StoreLimits) { self.limits = limits }

  /// How much has to go, in bytes, before some more fits.
  package func excess(total: Int64, adding: Int64, free: Int64?) -> Int64 {
    let above = limits.maxSize.map { total.addingClamped(adding).subtractingClamped($0) } ?? 0
    let missing = limits.minFree.flatMap { minFree in free.map { minFree.subtractingClamped($0) } } ?? 0
    return max(0, above, missing)
  }

  /// How much should go before anybody has to wait for it, in bytes: nothing below nineteen twentieths of a limit, then as
  /// much as leaves a tenth of it.
  package func excessOverHighWatermark(total: Int64, free: Int64?) -> Int64 {
    var excess: Int64 = 0
    if let maxSize = limits.maxSize, total > maxSize / 20 * 19 { excess = total - maxSize / 10 * 9 }
    if let minFree = limits.minFree, let free, free < minFree + minFree / 20 {
      excess = max(excess, minFree + minFree / 10 - free)
    }
    return excess
  }

  /// How much of what is left of downloads has to go, in bytes: what they take beyond a tenth of `max_size`, or what is missing
  /// from `min_free` as for blobs.
  package func excessOfPartials(total: Int64, free: Int64?) -> Int64 {
    let above = limits.maxSize.map { total - $0 / 10 } ?? 0
    return min(total, max(0, above, excessOverHighWatermark(total: 0, free: free)))
  }

  /// Whether a blob of unknown size may grow: it may use a tenth of either limit beyond it, as it evicts nothing before its end.
  /// - Parameters:
  ///   - length: of the blob so far, in bytes.
  ///   - free: what other downloads leave free, in bytes.
  package func permitsGrowth(to length: Int64, total: Int64, free: Int64?) -> Bool {
    if let maxSize = limits.maxSize, total.addingClamped(length) > maxSize.addingClamped(maxSize / 10) { return false }
    if let minFree = limits.minFree, let free, free < minFree - minFree / 10 { return false }
    return true
  }

  /// How much a blob of unknown size may grow between two looks at the limits, in bytes; `nil` without limits.
  package var growthStep: Int64? {
    [limits.maxSize, limits.minFree].compactMap(\.self).min().map { max(64 << 10, min(8 << 20, $0 / 40)) }
  }

  /// Whether a blob that cannot be kept may be on the disk while clients read it: all such together may take a tenth of
  /// `max_size`.
  package func permitsSharing(_ size: Int64, besides shared: Int64) -> Bool {
    limits.maxSize.map { shared.addingClamped(size) <= $0 / 10 } ?? true
  }

  /// Whether a blob may go. A use within a minute after the recorded one may not have been recorded.
  package func mayEvict(accessTime: Int64, now: Int64) -> Bool {
    now - accessTime > Self.protection + Self.useInterval
  }

  /// Whether the blobs of a repository stay.
  package func pins(_ repository: UpstreamRepository) -> Bool {
    limits.pins.contains { $0.matches(repository.description) }
  }
}
