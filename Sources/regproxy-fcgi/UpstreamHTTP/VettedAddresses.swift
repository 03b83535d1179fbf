internal import RegistryHandler
internal import Synchronization

/// Resolves host names chosen by upstreams and filters the addresses by the request's rule, which prevents SSRF.
///
/// Connect to a returned address, not to the name: a second lookup might return another address.
final class VettedAddresses: Sendable {
  /// The lifetime of an entry: layers of an image share connections, and storage that moves is followed soon.
  private static let lifetime: Duration = .seconds(30)

  /// The maximum number of entries; beyond it all are dropped.
  private static let maximumEntries = 1000

  private struct Entry {
    let addresses: [IPAddress]
    let end: ContinuousClock.Instant
  }

  private let resolver: any AddressResolver
  private let entries = Mutex<[String: Entry]>([:])

  init(_ resolver: any AddressResolver) { self.resolver = resolver }

  /// Returns the permitted addresses of a host in the order to try them; never empty.
  func addresses(of host: String, _ rule: AddressRule) async throws(UpstreamError) -> [IPAddress] {
    let permitted = try await addresses(of: host).filter(rule.permits)
    guard !permitted.isEmpty else {
      throw UpstreamError(
        .invalidResponse,
        "upstream names the host \(host), whose address is private or reserved; if that is intended, add its network "
          + "to 'allow_private:'"
      )
    }
    return Self.alternating(permitted)
  }

  /// Moves an unreachable address of a host behind the others.
  func moveToEnd(_ address: IPAddress, of host: String) {
    entries.withLock { entries in
      guard let entry = entries[host] else { return }
      let others = entry.addresses.filter { $0 != address }
      entries[host] = Entry(addresses: others + [address], end: entry.end)
    }
  }

  /// Returns the addresses with the families in turn, as one family may be unreachable.
  /// <https://www.rfc-editor.org/rfc/rfc8305#section-4>
  private static func alternating(_ addresses: [IPAddress]) -> [IPAddress] {
    guard let first = addresses.first else { return [] }
    let families = [addresses.filter { $0.isIPv4 == first.isIPv4 }, addresses.filter { $0.isIPv4 != first.isIPv4 }]
    let longest = families.map(\.count).max() ?? 0
    return (0..<longest).flatMap { index in families.compactMap { $0.indices.contains(index) ? $0[index] : nil } }
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
