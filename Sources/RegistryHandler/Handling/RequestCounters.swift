internal import Synchronization

/// How many requests were answered, by kind and by what the cache did. Both are closed sets.
package final class RequestCounters: Sendable {
  package struct Key: Hashable, Sendable {
    package let kind: String
    package let cache: CacheStatus?
    package let statusClass: Int
  }

  private let counts = Mutex<[Key: UInt64]>([:])

  package init() {}

  package func count(_ response: RegistryResponse) {
    let key = Key(
      kind: response.record.kind,
      cache: response.record.cache,
      statusClass: response.status / 100
    )
    counts.withLock { $0[key, default: 0] += 1 }
  }

  package var snapshot: [Key: UInt64] { counts.withLock { $0 } }
}
