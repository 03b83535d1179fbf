internal import Synchronization

/// The tokens in use, one per upstream and scope, each asked for by one request at a time.
package final class TokenCache: Sendable {
  package struct Key: Hashable, Sendable {
    package let upstream: UpstreamName
    package let endpoint: HTTPURL
    package let scope: Scope
  }

  /// A token, held by the cache and by the requests that it goes with.
  package final class Token: Sendable {
    package let value: String
    /// In seconds on the monotonic clock.
    fileprivate let requestedAt: Int64
    fileprivate let wasAccepted = Atomic<Bool>(false)

    fileprivate init(_ value: String, requestedAt: Int64) {
      self.value = value
      self.requestedAt = requestedAt
    }

    /// Remembers that upstream took it.
    package func noteAcceptance() { wasAccepted.store(true, ordering: .relaxed) }
  }

  private struct Entry {
    let token: Token
    /// In seconds on the monotonic clock: setting the wall clock neither revives nor ends a token.
    let expiry: Int64
  }

  private struct State {
    var entries: [Key: Entry] = [:]
    var services: [HTTPURL: BearerService] = [:]
  }

  /// Tokens kept at most; beyond it the expired ones go, then all: they can be asked for again.
  private static let maximumEntries = 10_000

  private let state = Mutex(State())
  /// How long a token that upstream has never taken is not replaced. Some registries answer 401 for what does not exist,
  /// whatever the token. In seconds.
  private static let refusalTime: Int64 = 60

  private let flights: SingleFlight<Key, Result<Token, UpstreamError>>
  private let now: @Sendable () -> Int64

  /// - Parameter now: the monotonic clock, in seconds.
  package init(executor: BlockingExecutor, now: @escaping @Sendable () -> Int64) {
    self.flights = SingleFlight(executor: executor)
    self.now = now
  }

  /// A token that is still good for a while; `nil` when there is none.
  package func token(for key: Key) -> Token? {
    let now = now()
    return state.withLock { state in
      guard let entry = state.entries[key], entry.expiry > now else { return nil }
      return entry.token
    }
  }

  /// Forgets a token that upstream refused, unless another has taken its place already.
  package func discard(_ token: Token, for key: Key) {
    state.withLock { state in
      if state.entries[key]?.token === token { state.entries[key] = nil }
    }
  }

  /// Whether a new token may help where this one is refused: upstream took it before, or it is a minute old.
  package func isWorthReplacing(_ token: Token) -> Bool {
    token.wasAccepted.load(ordering: .relaxed) || now() - token.requestedAt >= Self.refusalTime
  }

  /// What was learned of where an endpoint's tokens come from.
  package func service(of endpoint: HTTPURL) -> BearerService? { state.withLock { $0.services[endpoint] } }

  package func remember(_ service: BearerService, of endpoint: HTTPURL) {
    state.withLock { $0.services[endpoint] = service }
  }

  /// Forgets where tokens came from, so that the next answer without one teaches it anew.
  package func forget(_ service: BearerService, of endpoint: HTTPURL) {
    state.withLock { state in
      if state.services[endpoint] == service { state.services[endpoint] = nil }
    }
  }

  /// A token for the key, from the cache or by `fetch`; callers at the same time share one fetch.
  package func token(
    for key: Key,
    fetch: @escaping @Sendable () async -> Result<TokenResponse, UpstreamError>
  ) async throws(UpstreamError) -> Token {
    if let token = token(for: key) { return token }
    let asked = now()
    let result: Result<Token, UpstreamError>
    do {
      result = try await flights.value(for: key) { [self] in
        await fetch().map { response in
          let token = Token(response.token, requestedAt: asked)
          keep(token, for: key, lifetime: response.lifetime)
          return token
        }
      }
    } catch {
      throw .cancelled
    }
    return try result.get()
  }

  private func keep(_ token: Token, for key: Key, lifetime: Int64) {
    let expiry = token.requestedAt + lifetime - Self.margin(of: lifetime)
    let now = now()
    guard expiry > now else { return }
    state.withLock { state in
      if state.entries.count >= Self.maximumEntries { state.entries = state.entries.filter { $0.value.expiry > now } }
      if state.entries.count >= Self.maximumEntries { state.entries.removeAll() }
      state.entries[key] = Entry(token: token, expiry: expiry)
    }
  }

  /// How long before its end a token is no longer used, so that it does not end on its way: a tenth, 30 s at most.
  private static func margin(of lifetime: Int64) -> Int64 { min(30, max(1, lifetime / 10)) }
}
