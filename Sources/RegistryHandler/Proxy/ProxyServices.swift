package import Logging

/// The parts of the proxy that outlive a configuration, put together. Handlers see only the contexts that they need.
package final class ProxyServices: Sendable {
  /// The longest wait for upstream when a stale manifest can be served.
  package static let staleResponseTimeout: Duration = .seconds(5)

  /// The most memory that large manifests and lists take together, in bytes: sixteen of the largest.
  package static let maximumDocumentBytes = 64 << 20

  package let store: Store
  package let evictor: Evictor
  package let fills: FillTable
  package let tokens: TokenCache
  package let documents: ByteBudget
  package let bypasses: BypassLimit
  /// The requests of each client, upstream and blob, counted under a high load.
  package let shares: ShareLimit<RequestParty>
  package let counters = RequestCounters()
  /// The name of this proxy in `Via`.
  package let name: ProxyName
  let redirects: RedirectCache
  let refusals: RefusalCache
  let failures: StoreFailures
  let upstreams: UpstreamContext
  let blobs: BlobContext
  let manifests: ManifestContext
  let lists: ListContext
  let status: StatusContext

  /// The descriptors of running downloads: a fill has a file, its record for a moment, and a connection to upstream; an
  /// uncached stream has a connection.
  package var descriptorsOfDownloads: Int { 3 * fills.count + bypasses.streams }

  /// Puts the parts together. Long, as it is the one place that names each part and who sees it.
  /// - Parameters:
  ///   - name: of this proxy in `Via`.
  ///   - requests: the most requests at once.
  ///   - share: the most requests of one client, upstream or blob under a high load; if `nil`, three quarters of all.
  ///   - now: seconds since 1970.
  ///   - monotonicNow: seconds on a clock that is never set.
  ///   - instant: the clock that a stall is measured by.
  ///   - staleResponseTimeout: the longest wait for upstream when a stale manifest can be served.
  ///   - maximumDocumentBytes: the most memory that large manifests and lists take together, in bytes.
  package init(
    store: Store,
    limits: StoreLimits = StoreLimits(),
    bypasses: BypassLimit = BypassLimit(),
    patience: Patience = Patience(),
    name: ProxyName = ProxyName(),
    requests: Int = 1024,
    share: Int? = nil,
    endpointHealth: EndpointHealth = EndpointHealth(),
    client: any UpstreamClient,
    executor: BlockingExecutor,
    logger: Logger,
    now: @escaping @Sendable () -> Int64,
    monotonicNow: @escaping @Sendable () -> Int64,
    instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    staleResponseTimeout: Duration = ProxyServices.staleResponseTimeout,
    maximumDocumentBytes: Int = ProxyServices.maximumDocumentBytes
  ) {
    self.store = store
    self.bypasses = bypasses
    self.name = name
    shares = ShareLimit(maximum: share ?? max(1, requests * 3 / 4))
    tokens = TokenCache(executor: executor, now: monotonicNow)
    evictor = Evictor(store, limits, logger: logger, now: now)
    failures = StoreFailures(logger: logger, now: monotonicNow)
    redirects = RedirectCache(now: monotonicNow, wallClock: now)
    refusals = RefusalCache(now: monotonicNow)
    documents = ByteBudget(
      limit: maximumDocumentBytes,
      share: max(maximumDocumentBytes * 3 / 4, Store.maximumManifestSize)
    )
    upstreams = UpstreamContext(
      client: client,
      tokens: tokens,
      accounts: RefusedAccounts(logger: logger, now: monotonicNow),
      health: endpointHealth,
      waiting: WaitingRequests(requests: requests, now: endpointHealth.now),
      name: name,
      now: now
    )
    fills = FillTable(
      FillContext(
        store: store,
        evictor: evictor,
        executor: executor,
        redirects: redirects,
        failures: failures,
        logger: logger,
        instant: instant
      )
    )
    blobs = BlobContext(
      store: store,
      fills: fills,
      redirects: redirects,
      refusals: refusals,
      bypasses: bypasses,
      patience: patience,
      executor: executor,
      logger: logger,
      monotonicNow: monotonicNow,
      instant: instant
    )
    manifests = ManifestContext(
      store: store,
      evictor: evictor,
      refusals: refusals,
      documents: documents,
      executor: executor,
      logger: logger,
      now: now,
      staleResponseTimeout: staleResponseTimeout
    )
    lists = ListContext(documents: documents, executor: executor)
    status = StatusContext(
      store: store,
      evictor: evictor,
      fills: fills,
      failures: failures,
      documents: documents,
      executor: executor,
      counters: counters
    )
  }
}
