internal import Synchronization

/// Counts the streams that go from upstream to one client without being stored, each of which takes memory of its own.
package final class BypassLimit: Sendable {
  /// Some 150 MB of buffers when all their clients are slow.
  package static let maximum = 512

  /// A stream that is counted as long as the lease lives.
  final class Lease: Sendable {
    private let limit: BypassLimit

    fileprivate init(_ limit: BypassLimit) { self.limit = limit }

    deinit { limit.count.subtract(1, ordering: .relaxed) }
  }

  private let maximum: Int
  private let count = Atomic(0)

  package init(maximum: Int = BypassLimit.maximum) { self.maximum = maximum }

  /// How many streams there are.
  package var streams: Int { count.load(ordering: .relaxed) }

  /// A lease for another stream; `nil` when there are as many as may be.
  func lease() -> Lease? {
    guard count.add(1, ordering: .relaxed).newValue <= maximum else {
      count.subtract(1, ordering: .relaxed)
      return nil
    }
    return Lease(self)
  }

  /// A lease beyond the limit, for a client that has the head of its answer already.
  func leaseForOpenAnswer() -> Lease {
    count.add(1, ordering: .relaxed)
    return Lease(self)
  }
}
