/// Which addresses a request may go to.
package enum AddressRule: Hashable, Sendable {
  /// Any: the operator wrote the host down.
  case any
  /// Public ones, and those of the networks that the operator opened: upstream named the host.
  case publicOr(allowed: [IPNetwork])

  package func permits(_ address: IPAddress) -> Bool {
    switch self {
    case .any: true
    case .publicOr(allowed: let networks): address.isPublic || networks.contains { $0.contains(address) }
    }
  }
}
