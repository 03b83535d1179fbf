internal import Synchronization

/// The tokens in use, one per upstream and scope, each fetched by one request at a time.
package final class TokenCache: Sendable {
  package struct Key: Hashable, Sendable {
    package let upstream: UpstreamName
    package let endpoint: HTTPURL
    package let scope: Scope
    /// The name of the account that the token was issued to.
    package let account: String?

    package init(upstream: UpstreamName, endpoint: HTTPURL, scope: Scope, account: String? = nil) {
      self.upstream = upstream
      self.endpoint = endpoint
      self.scope = scope
      self.account = account
    }
  }

  /// A token, shared by the cache and the requests that carry it.
  package final class Token: Sendable {
    package let value: String
    /// The time in seconds on the monotonic clock.
    fileprivate let requestedAt: Int64
    fileprivate let wasAccepted = Atomic<Bool>(false)

    fileprivate init(_ value: String, requestedAt: Int64) {
      self.value = value
      self.requestedAt = requestedAt
    }

    /// Records that upstream accepted the token.
    package func noteAcceptance() { wasAccepted.store(true, ordering: .relaxed) }
  }

  /// The most tokens; more can be requested again.
  private static let capacity = 10_000

  /// The time for which a token that upstream has never accepted is not replaced, in seconds: some registries respond
  /// 401 for absent content, whatever the token.
  private static let refusalTime: Int64 = 60

  private let entries: ExpiringCache<Key, Token>
  private let schemes = Mutex<[HTTPURL: AuthenticationScheme]>([:])
  private let flights: SingleFlight<Key, Result<Token, UpstreamError>>
  private let now: @Sendable () -> Int64

  /// - Parameter now: the monotonic clock, in seconds: setting the wall clock neither revives nor ends a token.
  package init(executor: BlockingExecutor, now: @escaping @Sendable () -> Int64) {
    entries = ExpiringCache(capacity: Self.capacity, now: now)
    flights = SingleFlight(executor: executor)
    self.now = now
  }

  /// Returns a cached token that stays valid for a while; `nil` when there is none.
  package func token(for key: Key) -> Token? { entries[key] }

  /// Removes a token that upstream refused, unless it has been replaced already.
  package func discard(_ token: Token, for key: Key) { entries.removeValue(for: key) { $0 === token } }

  /// Returns whether a new token may help when this one is refused: upstream has accepted it before, or it is a minute
  /// old.
  package func isWorthReplacing(_ token: Token) -> Bool {
    token.wasAccepted.load(ordering: .relaxed) || now() - token.requestedAt >= Self.refusalTime
  }

  /// The scheme of an endpoint, as its last challenge named it.
  package func scheme(of endpoint: HTTPURL) -> AuthenticationScheme? { schemes.withLock { $0[endpoint] } }

  package func remember(_ scheme: AuthenticationScheme, of endpoint: HTTPURL) {
    schemes.withLock { $0[endpoint] = scheme }
  }

  /// Forgets the scheme of an endpoint, so that the next 401 names it again.
  package func forget(_ scheme: AuthenticationScheme, of endpoint: HTTPURL) {
    schemes.withLock { schemes in
      if schemes[endpoint] == scheme { schemes[endpoint] = nil }
    }
  }

  /// Returns a token for the key, from the cache or by `fetch`; simultaneous callers share one fetch.
  package func token(
    for key: Key,
    fetch: @escaping @Sendable () async throws(UpstreamError) -> TokenResponse
  ) async throws(UpstreamError) -> Token {
    if let token = token(for: key) { return token }
    let start = now()
    return try await flights.run(key) { [self] () throws(UpstreamError) in
      let response = try await fetch()
      let token = Token(response.token, requestedAt: start)
      let lifetime = response.lifetime
      entries.insert(token, for: key, lifetime: start + lifetime - Self.margin(of: lifetime) - now())
      return token
    }
  }

  /// Returns the time before its expiry in which a token is not used, as it would expire on its way: a tenth, at most
  /// 30 s.
  private static func margin(of lifetime: Int64) -> Int64 { min(30, max(1, lifetime / 10)) }
}
