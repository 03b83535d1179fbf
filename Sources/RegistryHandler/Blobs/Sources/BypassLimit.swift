internal import Synchronization

/// A bound on the uncached streams from upstream to one client, each of which takes memory of its own.
package final class BypassLimit: Sendable {
  /// The most streams: some 150 MB of buffers when all their clients are slow.
  package static let maximum = 512

  /// The lease of a counted stream.
  final class Lease: Sendable {
    private let limit: BypassLimit

    fileprivate init(_ limit: BypassLimit) { self.limit = limit }

    deinit { limit.count.subtract(1, ordering: .relaxed) }
  }

  private let maximum: Int
  private let count = Atomic(0)

  package init(maximum: Int = BypassLimit.maximum) { self.maximum = maximum }

  /// The number of streams.
  package var streams: Int { count.load(ordering: .relaxed) }

  /// Returns a lease for another stream; `nil` at the limit.
  func lease() -> Lease? {
    guard count.add(1, ordering: .relaxed).newValue <= maximum else {
      count.subtract(1, ordering: .relaxed)
      return nil
    }
    return Lease(self)
  }

  /// Returns a lease, if need be beyond the limit, for a client that already has response headers.
  func leaseForOpenResponse() -> Lease {
    count.add(1, ordering: .relaxed)
    return Lease(self)
  }
}
