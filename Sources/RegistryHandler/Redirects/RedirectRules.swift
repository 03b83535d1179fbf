/// What the operator decided about the redirects of an upstream.
package struct RedirectRules: Equatable, Sendable {
  /// Hosts of the registry itself, besides its endpoints: what they have is fetched here, without a credential.
  package var internalHosts: [HostPattern] = []
  /// Hosts where registries keep their blobs: ``external`` says what becomes of redirects to them.
  package var storageHosts: [HostPattern] = Self.commonStorageHosts
  /// What becomes of redirects to storage, where no ``relayClients`` are named.
  package var mode = RedirectMode.passThrough
  /// The networks whose clients get blobs through here; all other clients are redirected. Empty leaves it to ``external``.
  package var relayClients: [IPNetwork] = []

  /// Where most registries keep their blobs.
  package static let commonStorageHosts = [
    "amazonaws.com", "cloudfront.net", "storage.googleapis.com", "blob.core.windows.net", "r2.cloudflarestorage.com",
  ].compactMap(HostPattern.init)

  package init() {}

  /// What becomes of redirects to storage for a client.
  /// - Parameter client: its address; `nil` where nginx knows none, as with a Unix socket.
  package func mode(for client: IPAddress?) -> RedirectMode {
    guard !relayClients.isEmpty else { return mode }
    return client.map { client in relayClients.contains { $0.contains(client) } } == true ? .follow : .passThrough
  }
}
