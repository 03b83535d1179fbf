/// The operator's rules for the redirects of an upstream.
package struct RedirectRules: Equatable, Sendable {
  /// Hosts of the registry itself, besides its endpoints; the worker follows redirects to them without a credential.
  package var internalHosts: [HostPattern] = []
  /// Hosts where registries store their blobs: ``mode`` applies to redirects to them.
  package var storageHosts: [HostPattern] = Self.commonStorageHosts
  /// The policy for redirects to storage, if ``relayClients`` is empty.
  package var mode = RedirectMode.passThrough
  /// The networks whose clients get blobs through this proxy; all others are redirected. If empty, ``mode`` applies.
  package var relayClients: [IPNetwork] = []

  /// The hosts where most registries store their blobs.
  package static let commonStorageHosts = [
    "amazonaws.com", "cloudfront.net", "storage.googleapis.com", "blob.core.windows.net", "r2.cloudflarestorage.com",
  ].compactMap(HostPattern.init)

  package init() {}

  /// Returns the policy for redirects to storage for a client.
  /// - Parameter client: its address; `nil` if nginx knows none, as with a Unix socket.
  package func mode(for client: IPAddress?) -> RedirectMode {
    guard !relayClients.isEmpty else { return mode }
    return client.map { client in relayClients.contains { $0.contains(client) } } == true ? .follow : .passThrough
  }
}
