/// A party that takes a share of what the worker has.
package enum RequestParty: Hashable, Sendable {
  /// The address of a client; of an IPv6 client its network, in which a host has any number of addresses.
  case client(IPAddress)
  case upstream(UpstreamName)
  case blob(Digest)

  /// Returns the parties of a request.
  package static func all(client: IPAddress?, upstream: UpstreamName, digest: Digest?) -> [RequestParty] {
    let parties: [RequestParty?] = [
      client.map { .client($0.ownNetwork) }, .upstream(upstream), digest.map { .blob($0) },
    ]
    return parties.compactMap { $0 }
  }
}

extension RequestParty: CustomStringConvertible {
  package var description: String {
    switch self {
    case .client(let address): "client \(address)"
    case .upstream(let upstream): "upstream \(upstream)"
    case .blob(let digest): "blob \(digest)"
    }
  }
}
