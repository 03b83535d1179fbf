package import Logging

/// The parts of the proxy that requests for manifests use.
package final class ManifestContext: Sendable {
  let store: Store
  let evictor: Evictor
  let refusals: RefusalCache
  /// The memory for upstream's manifests and lists.
  let documents: ByteBudget
  let executor: BlockingExecutor
  let logger: Logger
  /// Seconds since 1970.
  let now: @Sendable () -> Int64
  /// The longest wait for upstream when a stale manifest can be served.
  let staleResponseTimeout: Duration
  let flights: SingleFlight<ManifestKey, Result<ManifestResult, UpstreamError>>

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - staleResponseTimeout: the longest wait for upstream when a stale manifest can be served.
  package init(
    store: Store,
    evictor: Evictor,
    refusals: RefusalCache,
    documents: ByteBudget,
    executor: BlockingExecutor,
    logger: Logger,
    now: @escaping @Sendable () -> Int64,
    staleResponseTimeout: Duration
  ) {
    self.store = store
    self.evictor = evictor
    self.refusals = refusals
    self.documents = documents
    self.executor = executor
    self.logger = logger
    self.now = now
    self.staleResponseTimeout = staleResponseTimeout
    flights = SingleFlight(executor: executor)
  }
}
