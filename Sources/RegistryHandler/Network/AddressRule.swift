/// The rule for the addresses that a request may connect to: prevents SSRF.
package enum AddressRule: Hashable, Sendable {
  /// Any address: the operator configured the host.
  case any
  /// Public addresses, and those in networks that the operator allows: upstream named the host.
  case publicOr(allowed: [IPNetwork])

  /// Returns whether a request may connect to an address.
  package func permits(_ address: IPAddress) -> Bool {
    switch self {
    case .any: true
    case .publicOr(allowed: let networks): address.isPublic || networks.contains { $0.contains(address) }
    }
  }
}
