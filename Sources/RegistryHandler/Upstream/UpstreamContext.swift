/// The parts of the proxy that all requests to upstreams share.
///
/// A class, as each request passes it on: a copy counts one reference, not one for each part.
package final class UpstreamContext: Sendable {
  let client: any UpstreamClient
  let tokens: TokenCache
  let accounts: RefusedAccounts
  let health: EndpointHealth
  /// The requests that wait for upstreams; without it, none is refused.
  let waiting: WaitingRequests?
  /// The name of this proxy in `Via`; without it, requests carry none.
  let name: ProxyName?
  /// The wall clock, in seconds since 1970.
  let now: @Sendable () -> Int64

  /// - Parameter now: the wall clock, in seconds since 1970.
  package init(
    client: any UpstreamClient,
    tokens: TokenCache,
    accounts: RefusedAccounts,
    health: EndpointHealth = EndpointHealth(),
    waiting: WaitingRequests? = nil,
    name: ProxyName? = nil,
    now: @escaping @Sendable () -> Int64
  ) {
    self.client = client
    self.tokens = tokens
    self.accounts = accounts
    self.health = health
    self.waiting = waiting
    self.name = name
    self.now = now
  }
}
