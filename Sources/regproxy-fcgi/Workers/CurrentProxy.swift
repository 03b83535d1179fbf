internal import RegistryHandler
internal import Synchronization

/// The proxy of the configuration in force, replaced on reload.
final class CurrentProxy: Sendable {
  /// A thread's copy of the proxy in force, valid until the generation changes.
  struct Snapshot {
    let proxy: RegistryProxy
    fileprivate let generation: Int
  }

  private let proxy: Mutex<RegistryProxy>
  /// The number of replacements. Threads check it on every request and take the lock only after a change: under load
  /// they would queue for it.
  private let generation = Atomic<Int>(0)

  init(_ proxy: RegistryProxy) { self.proxy = Mutex(proxy) }

  /// Replaces the proxy for all later requests.
  func replace(with proxy: RegistryProxy) {
    let former = self.proxy.withLock { current in
      defer { current = proxy }
      return current
    }
    former.forgetRecentHits()
    generation.add(1, ordering: .releasing)
  }

  /// Returns the proxy in force, for a thread to hold.
  func makeSnapshot() -> Snapshot {
    let generation = generation.load(ordering: .acquiring)
    return Snapshot(proxy: proxy.withLock { $0 }, generation: generation)
  }

  /// Updates a thread's snapshot if the proxy was replaced.
  func update(_ snapshot: inout Snapshot) {
    if snapshot.generation != generation.load(ordering: .acquiring) { snapshot = makeSnapshot() }
  }
}
