internal import RegistryHandler
internal import Synchronization

/// Looks names up that upstreams chose, and lets through the addresses that a request may go to.
///
/// What is returned is what has to be connected to: asked again, the name might lead somewhere else.
final class VettedAddresses: Sendable {
  /// Long enough for the layers of an image to share connections, short enough to follow storage that moves.
  private static let lifetime: Duration = .seconds(30)

  /// Kept at most; beyond it all go.
  private static let maximumEntries = 1000

  private struct Entry {
    let addresses: [IPAddress]
    let end: ContinuousClock.Instant
  }

  private let resolver: any AddressResolver
  private let entries = Mutex<[String: Entry]>([:])

  init(_ resolver: any AddressResolver) { self.resolver = resolver }

  /// The permitted addresses of a host, in the order they should be tried; never empty.
  func addresses(of host: String, _ rule: AddressRule) async throws(UpstreamError) -> [IPAddress] {
    let permitted = try await addresses(of: host).filter(rule.permits)
    guard !permitted.isEmpty else {
      throw UpstreamError(
        .invalidResponse,
        "upstream names the host \(host), whose address is private or reserved; if that is right, open its network in "
          + "'allow_private:'"
      )
    }
    return Self.alternating(permitted)
  }

  /// Lets the other addresses of a host be tried before one that could not be reached.
  func moveToEnd(_ address: IPAddress, of host: String) {
    entries.withLock { entries in
      guard let entry = entries[host] else { return }
      let others = entry.addresses.filter { $0 != address }
      entries[host] = Entry(addresses: others + [address], end: entry.end)
    }
  }

  /// The families in turn, as one of them may lead nowhere. <https://www.rfc-editor.org/rfc/rfc8305#section-4>
  private static func alternating(_ addresses: [IPAddress]) -> [IPAddress] {
    guard let first = addresses.first else { return [] }
    let families = [addresses.filter { $0.isIPv4 == first.isIPv4 }, addresses.filter { $0.isIPv4 != first.isIPv4 }]
    let longest = families.map(\.count).max() ?? 0
    return (0..<longest).flatMap { place in families.compactMap { $0.indices.contains(place) ? $0[place] : nil } }
  }

  private func addresses(of host: String) async throws(UpstreamError) -> [IPAddress] {
    if let literal = IPAddress(host) { return [literal] }
    if let entry = entries.withLock({ $0[host] }), entry.end > .now { return entry.addresses }
    let addresses = try await resolver.addresses(of: host)
    entries.withLock { entries in
      if entries.count >= Self.maximumEntries { entries.removeAll() }
      entries[host] = Entry(addresses: addresses, end: .now + Self.lifetime)
    }
    return addresses
  }
}
