package import Logging

/// The parts of the proxy that fills use.
package final class FillContext: Sendable {
  let store: Store
  let pendingRequests: PendingRequests
  let evictor: Evictor
  let executor: BlockingExecutor
  let redirects: RedirectCache
  let failures: StoreFailures
  let logger: Logger
  /// The clock that a stall is measured by.
  let instant: @Sendable () -> ContinuousClock.Instant

  /// - Parameter instant: the clock that a stall is measured by.
  package init(
    store: Store,
    evictor: Evictor,
    executor: BlockingExecutor,
    redirects: RedirectCache,
    failures: StoreFailures,
    logger: Logger,
    instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now }
  ) {
    self.store = store
    pendingRequests = PendingRequests(store.layout)
    self.evictor = evictor
    self.executor = executor
    self.redirects = redirects
    self.failures = failures
    self.logger = logger
    self.instant = instant
  }
}
