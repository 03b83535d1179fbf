package import Logging

/// The parts of the proxy that requests for blobs use.
package final class BlobContext: Sendable {
  let store: Store
  let fills: FillTable
  let redirects: RedirectCache
  let refusals: RefusalCache
  let bypasses: BypassLimit
  let patience: Patience
  let executor: BlockingExecutor
  let logger: Logger
  /// The clock that a stall is measured by.
  let instant: @Sendable () -> ContinuousClock.Instant
  /// The upstreams that responded to a range with the whole blob lately.
  let rangeRefusals: ExpiringCache<UpstreamName, Bool>
  let stats: SingleFlight<RedirectCache.Key, Result<BlobStat.Finding, UpstreamError>>
  let contentProofs: SingleFlight<RedirectCache.Key, Result<ClientRedirect?, UpstreamError>>

  /// - Parameters:
  ///   - monotonicNow: the monotonic clock, in seconds.
  ///   - instant: the clock that a stall is measured by.
  package init(
    store: Store,
    fills: FillTable,
    redirects: RedirectCache,
    refusals: RefusalCache,
    bypasses: BypassLimit,
    patience: Patience,
    executor: BlockingExecutor,
    logger: Logger,
    monotonicNow: @escaping @Sendable () -> Int64,
    instant: @escaping @Sendable () -> ContinuousClock.Instant
  ) {
    self.store = store
    self.fills = fills
    self.redirects = redirects
    self.refusals = refusals
    self.bypasses = bypasses
    self.patience = patience
    self.executor = executor
    self.logger = logger
    self.instant = instant
    rangeRefusals = ExpiringCache(capacity: 1000, now: monotonicNow)
    stats = SingleFlight(executor: executor)
    contentProofs = SingleFlight(executor: executor)
  }
}
