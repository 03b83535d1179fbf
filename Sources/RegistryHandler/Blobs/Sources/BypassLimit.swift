internal import Synchronization

/// A bound on the uncached streams from upstream to one client, each of which takes memory of its own.
package final class BypassLimit: Sendable {
  /// The most streams: some 150 MB of buffers when all their clients are slow.
  package static let maximum = 512

  /// The lease of a counted stream.
  final class Lease: Sendable {
    private let limit: BypassLimit
    private let share: ShareLimit<RequestParty>.Lease?

    fileprivate init(_ limit: BypassLimit, _ share: ShareLimit<RequestParty>.Lease?) {
      self.limit = limit
      self.share = share
    }

    deinit { limit.count.subtract(1, ordering: .relaxed) }
  }

  private let maximum: Int
  private let count = Atomic(0)
  private let shares: ShareLimit<RequestParty>

  /// - Parameters:
  ///   - maximum: the most streams.
  ///   - percentage: of them that one client, upstream or blob may have.
  package init(maximum: Int = BypassLimit.maximum, percentage: Int = 75) {
    self.maximum = maximum
    shares = ShareLimit(maximum: max(1, maximum * percentage / 100))
  }

  /// The number of streams.
  package var streams: Int { count.load(ordering: .relaxed) }

  /// Returns a lease for another stream; `nil` at the limit of all, or of one of its parties.
  func lease(for parties: [RequestParty]) -> Lease? {
    guard let share = try? shares.lease(for: parties) else { return nil }
    guard count.add(1, ordering: .relaxed).newValue <= maximum else {
      count.subtract(1, ordering: .relaxed)
      return nil
    }
    return Lease(self, share)
  }

  /// Returns a lease, if need be beyond the limit, for a client that already has response headers.
  func leaseForOpenResponse() -> Lease {
    count.add(1, ordering: .relaxed)
    return Lease(self, nil)
  }
}
