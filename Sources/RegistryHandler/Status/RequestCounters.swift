internal import Synchronization

/// The numbers of responses by kind of request, cache status and class of status: closed sets.
package final class RequestCounters: Sendable {
  package struct Key: Hashable, Sendable {
    package let kind: RequestKind
    package let cache: CacheStatus?
    /// The first digit of the status.
    package let statusClass: Int
  }

  private final class Counter: Sendable {
    let value = Atomic<UInt64>(0)
  }

  /// All combinations, made once: counting takes no lock.
  private let counters: [Key: Counter]

  package init() {
    var counters: [Key: Counter] = [:]
    for kind in RequestKind.allCases {
      for cache in [nil] + CacheStatus.allCases.map(Optional.some) {
        for statusClass in 1...5 {
          counters[Key(kind: kind, cache: cache, statusClass: statusClass)] = Counter()
        }
      }
    }
    self.counters = counters
  }

  package func count(_ response: RegistryResponse) {
    let summary = response.summary
    let key = Key(kind: summary.kind, cache: summary.cache, statusClass: response.status / 100)
    counters[key]?.value.add(1, ordering: .relaxed)
  }

  /// The counts above zero.
  package var snapshot: [Key: UInt64] {
    counters.mapValues { $0.value.load(ordering: .relaxed) }.filter { $0.value > 0 }
  }
}
