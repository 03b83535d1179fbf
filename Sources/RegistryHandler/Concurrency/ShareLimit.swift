internal import Synchronization

/// A bound on the part of something limited that each of several parties has at once.
package final class ShareLimit<Party: Hashable & Sendable>: Sendable {
  /// A party that has as much as it may.
  package struct Exceeded: Error {
    package let party: Party
  }

  /// A counted use, released with its last reference.
  package final class Lease: Sendable {
    private let limit: ShareLimit
    private let parties: [Party]

    fileprivate init(_ limit: ShareLimit, _ parties: [Party]) {
      self.limit = limit
      self.parties = parties
    }

    deinit { limit.release(parties) }
  }

  private let maximum: Int
  private let counts = Mutex<[Party: Int]>([:])

  /// - Parameter maximum: the most uses of one party at once.
  package init(maximum: Int) { self.maximum = maximum }

  /// Counts a use for all its parties, or for none.
  /// - Parameter parties: each once.
  package func lease(for parties: [Party]) throws(Exceeded) -> Lease {
    let exceeded = counts.withLock { counts -> Party? in
      if let party = parties.first(where: { counts[$0, default: 0] >= maximum }) { return party }
      for party in parties { counts[party, default: 0] += 1 }
      return nil
    }
    if let exceeded { throw Exceeded(party: exceeded) }
    return Lease(self, parties)
  }

  private func release(_ parties: [Party]) {
    counts.withLock { counts in
      for party in parties {
        guard let count = counts[party] else { continue }
        counts[party] = count > 1 ? count - 1 : nil
      }
    }
  }
}
