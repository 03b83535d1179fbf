package import Logging

/// How long clients follow a fill before they turn to upstream by themselves.
package struct Patience: Sendable {
  /// With the fill of another upstream: until its head is there, and then for every 256 KiB.
  package var withAnotherUpstream: Duration = FillPatience.window
  /// Until the first byte of a part that is a little ahead of the fill.
  package var withPart: Duration = .seconds(2)

  package init() {}
}

/// What all requests of a process share, whatever configuration is in force.
///
/// A class, as it goes from hand to hand in every request: a copy of it counts one reference, not one for each part.
package final class ProxyServices: Sendable {
  /// Clients give up when the head of an answer takes 30 s; ours is out before.
  package static let answerTimeout: Duration = .seconds(25)

  /// The longest wait for upstream when there is something stale to answer with.
  package static let staleAnswerTimeout: Duration = .seconds(5)

  /// What large manifests and lists may take of the memory together, in bytes: sixteen of the largest.
  package static let maximumDocumentBytes = 64 << 20

  package let store: Store
  package let client: any UpstreamClient
  package let executor: BlockingExecutor
  package let logger: Logger
  /// Seconds since 1970.
  package let now: @Sendable () -> Int64
  package let tokens: TokenCache
  package let endpointHealth: EndpointHealth
  package let waitingRequests: WaitingRequests
  /// What this proxy is called in `Via`.
  package let name: ProxyName
  package let fills = FillTable()
  package let redirects: RedirectCache
  package let refusals: RefusalCache
  let headFallback: HeadFallback
  let blobQuestions: SingleFlight<BlobStat.Key, Result<BlobStat.Answer, UpstreamError>>
  let contentProofs: SingleFlight<BlobStat.Key, Result<ClientRedirect?, UpstreamError>>
  let manifestFlights: SingleFlight<ManifestKey, Result<ManifestResult, UpstreamError>>
  let listFlights: SingleFlight<ListHandler.Key, Result<ListHandler.Answer, UpstreamError>>
  /// The longest wait for upstream when there is something stale to answer with.
  let staleAnswerTimeout: Duration
  /// Of upstream's manifests and lists in memory, until the last client has them.
  package let documents: ByteBudget
  package let counters = RequestCounters()
  package let storeFailures: StoreFailures
  package let evictor: Evictor
  package let bypasses: BypassLimit
  /// The upstreams that answered a part with the whole a moment ago.
  let rangeRefusals: ExpiringCache<UpstreamName, Bool>
  package let patience: Patience
  /// The clock by which transfers are told to have stalled.
  package let instant: @Sendable () -> ContinuousClock.Instant

  /// - Parameters:
  ///   - name: of this proxy in `Via`.
  ///   - threads: how many requests may be in work at once.
  ///   - now: seconds since 1970.
  ///   - monotonicNow: seconds on a clock that is never set.
  ///   - instant: the clock by which transfers are told to have stalled.
  ///   - staleAnswerTimeout: the longest wait for upstream when there is something stale to answer with.
  ///   - maximumDocumentBytes: what large manifests and lists may take of the memory together, in bytes.
  package init(
    store: Store,
    limits: StoreLimits = StoreLimits(),
    bypasses: BypassLimit = BypassLimit(),
    patience: Patience = Patience(),
    name: ProxyName = ProxyName(),
    threads: Int = 1024,
    endpointHealth: EndpointHealth = EndpointHealth(),
    client: any UpstreamClient,
    executor: BlockingExecutor,
    logger: Logger,
    now: @escaping @Sendable () -> Int64,
    monotonicNow: @escaping @Sendable () -> Int64,
    instant: @escaping @Sendable () -> ContinuousClock.Instant = { .now },
    staleAnswerTimeout: Duration = ProxyServices.staleAnswerTimeout,
    maximumDocumentBytes: Int = ProxyServices.maximumDocumentBytes
  ) {
    self.store = store
    self.client = client
    self.executor = executor
    self.logger = logger
    self.name = name
    waitingRequests = WaitingRequests(threads: threads, now: endpointHealth.now)
    self.endpointHealth = endpointHealth
    self.now = now
    self.tokens = TokenCache(executor: executor, now: monotonicNow)
    self.evictor = Evictor(store, limits, logger: logger, now: now)
    self.storeFailures = StoreFailures(logger: logger, now: monotonicNow)
    self.redirects = RedirectCache(now: monotonicNow)
    self.bypasses = bypasses
    self.rangeRefusals = ExpiringCache(capacity: 1000, now: monotonicNow)
    self.patience = patience
    self.instant = instant
    self.refusals = RefusalCache(now: monotonicNow)
    self.headFallback = HeadFallback(now: monotonicNow)
    self.blobQuestions = SingleFlight(executor: executor)
    self.contentProofs = SingleFlight(executor: executor)
    self.manifestFlights = SingleFlight(executor: executor)
    self.listFlights = SingleFlight(executor: executor)
    self.staleAnswerTimeout = staleAnswerTimeout
    self.documents = ByteBudget(limit: maximumDocumentBytes)
  }
}
