/// Decides whether a realm that an upstream names may be asked for tokens; pure.
///
/// An upstream that could name any URL would have this host ask whatever it likes, and hand over credentials.
package enum RealmPolicy {
  package enum Refusal: Error, Equatable, Sendable {
    /// The realm is plain http although the endpoint is https.
    case insecure(String)
    /// The realm's host has nothing to do with the endpoint's.
    case foreign(String)
  }

  /// Throws the rule that refuses the realm; otherwise it may be asked.
  /// - Parameter realms: what the operator allows besides the endpoint's own domain.
  package static func check(_ realm: HTTPURL, endpoint: HTTPURL, realms: [HostPattern]) throws(Refusal) {
    guard realm.scheme == .https || endpoint.scheme == .http else { throw .insecure(realm.redacted) }
    if realm.isSameOrigin(as: endpoint) || realms.contains(where: { $0.matches(realm) }) { return }
    guard registrableDomain(of: realm.host) == registrableDomain(of: endpoint.host) else {
      throw .foreign(realm.redacted)
    }
  }

  /// The last two labels of a name, three where the last two are a country's second level; an address is its own.
  ///
  /// Without the public suffix list this errs on the narrow side for the common second levels only; where it is too
  /// narrow, `realms:` of the upstream opens more.
  static func registrableDomain(of host: String) -> String {
    if HostPattern.isAddress(host) { return host }
    let labels = host.split(separator: ".")
    let secondLevels: Set<Substring> = ["ac", "co", "com", "edu", "gov", "net", "org"]
    let isCountrySecondLevel =
      labels.count > 2 && labels.last?.utf8.count == 2 && secondLevels.contains(labels[labels.count - 2])
    return labels.suffix(isCountrySecondLevel ? 3 : 2).joined(separator: ".")
  }
}

extension RealmPolicy.Refusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .insecure(let realm): "the token realm \(realm) is plain http while the endpoint is https"
    case .foreign(let realm):
      "the token realm \(realm) is on another domain than the endpoint; if that is right, add its host to 'realms:'"
    }
  }
}
