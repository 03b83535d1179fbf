internal import Synchronization

/// The tokens in use, one per upstream and scope, each asked for by one request at a time.
package final class TokenCache: Sendable {
  package struct Key: Hashable, Sendable {
    package let upstream: UpstreamName
    package let endpoint: HTTPURL
    package let scope: Scope
  }

  private struct Entry {
    let token: String
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
  private let flights: SingleFlight<Key, Result<TokenResponse, UpstreamError>>
  private let now: @Sendable () -> Int64

  /// - Parameter now: the monotonic clock, in seconds.
  package init(executor: BlockingExecutor, now: @escaping @Sendable () -> Int64) {
    self.flights = SingleFlight(executor: executor)
    self.now = now
  }

  /// A token that is still good for a while; `nil` when there is none.
  package func token(for key: Key) -> String? {
    let now = now()
    return state.withLock { state in
      guard let entry = state.entries[key], entry.expiry > now else { return nil }
      return entry.token
    }
  }

  /// Forgets a token that upstream refused, unless another has taken its place already.
  package func discard(_ token: String, for key: Key) {
    state.withLock { state in
      if state.entries[key]?.token == token { state.entries[key] = nil }
    }
  }

  /// What was learned of where an endpoint's tokens come from.
  package func service(of endpoint: HTTPURL) -> BearerService? { state.withLock { $0.services[endpoint] } }

  package func learn(_ service: BearerService, of endpoint: HTTPURL) {
    state.withLock { $0.services[endpoint] = service }
  }

  /// Forgets where tokens came from, so that the next answer without one teaches it anew.
  package func unlearn(_ service: BearerService, of endpoint: HTTPURL) {
    state.withLock { state in
      if state.services[endpoint] == service { state.services[endpoint] = nil }
    }
  }

  /// A token for the key, from the cache or by `fetch`; callers at the same time share one fetch.
  package func token(
    for key: Key,
    fetch: @escaping @Sendable () async -> Result<TokenResponse, UpstreamError>
  ) async throws(UpstreamError) -> String {
    if let token = token(for: key) { return token }
    let asked = now()
    let result: Result<TokenResponse, UpstreamError>
    do {
      result = try await flights.value(for: key) { [self] in
        let result = await fetch()
        if case .success(let response) = result { keep(response, for: key, since: asked) }
        return result
      }
    } catch {
      throw .cancelled
    }
    return try result.get().token
  }

  private func keep(_ response: TokenResponse, for key: Key, since asked: Int64) {
    let expiry = asked + response.lifetime - Self.margin(of: response.lifetime)
    let now = now()
    guard expiry > now else { return }
    state.withLock { state in
      if state.entries.count >= Self.maximumEntries { state.entries = state.entries.filter { $0.value.expiry > now } }
      if state.entries.count >= Self.maximumEntries { state.entries.removeAll() }
      state.entries[key] = Entry(token: response.token, expiry: expiry)
    }
  }

  /// How long before its end a token is no longer used, so that it does not end on its way: a tenth, 30 s at most.
  private static func margin(of lifetime: Int64) -> Int64 { min(30, max(1, lifetime / 10)) }
}
