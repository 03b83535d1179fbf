package import Logging

/// What all requests of a process share, whatever configuration is in force.
///
/// A class, as it goes from hand to hand in every request: a copy of it counts one reference, not one for each part.
package final class ProxyServices: Sendable {
  /// Clients give up when the head of an answer takes 30 s; ours is out before.
  package static let answerTimeout: Duration = .seconds(25)

  /// The longest wait for upstream when there is something stale to answer with.
  package static let staleAnswerTimeout: Duration = .seconds(5)

  package let store: Store
  package let client: any UpstreamClient
  package let executor: BlockingExecutor
  package let logger: Logger
  /// Seconds since 1970.
  package let now: @Sendable () -> Int64
  package let tokens: TokenCache
  package let endpointHealth = EndpointHealth()
  package let fills = Fills()
  package let redirects: RedirectMemory
  let blobQuestions: SingleFlight<BlobQuestion.Key, Result<BlobQuestion.Answer, UpstreamError>>
  let manifestFlights: SingleFlight<ManifestKey, Result<ManifestAnswer, UpstreamError>>
  package let counters = RequestCounters()
  package let storeTrouble: StoreTrouble
  package let evictor: Evictor

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - monotonicNow: seconds on a clock that is never set.
  package init(
    store: Store,
    limits: StoreLimits = StoreLimits(),
    client: any UpstreamClient,
    executor: BlockingExecutor,
    logger: Logger,
    now: @escaping @Sendable () -> Int64,
    monotonicNow: @escaping @Sendable () -> Int64
  ) {
    self.store = store
    self.client = client
    self.executor = executor
    self.logger = logger
    self.now = now
    self.tokens = TokenCache(executor: executor, now: monotonicNow)
    self.evictor = Evictor(store, limits, logger: logger, now: now)
    self.storeTrouble = StoreTrouble(logger: logger, now: monotonicNow)
    self.redirects = RedirectMemory(now: monotonicNow)
    self.blobQuestions = SingleFlight(executor: executor)
    self.manifestFlights = SingleFlight(executor: executor)
  }
}
