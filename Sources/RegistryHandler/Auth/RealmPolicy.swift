/// Decides whether to request tokens from a realm that an upstream names; pure. Prevents SSRF.
///
/// Without the check an upstream could make this host send requests, and credentials, to any URL.
package enum RealmPolicy {
  package enum Refusal: Error, Equatable, Sendable {
    /// The realm is plain http although the endpoint is https.
    case insecure(String)
    /// The realm's host is unrelated to the endpoint's.
    case foreign(String)
    /// The realm is a different service on the endpoint's host.
    case otherPort(String)
  }

  /// Throws the reason if the realm is refused.
  /// - Parameter realms: what the operator allows besides the endpoint's own domain.
  package static func check(_ realm: HTTPURL, endpoint: HTTPURL, realms: [HostPattern]) throws(Refusal) {
    guard realm.scheme == .https || endpoint.scheme == .http else { throw .insecure(realm.redacted) }
    if isSameService(realm, endpoint) || realms.contains(where: { $0.matches(realm) }) { return }
    guard registrableDomain(of: realm.host) == registrableDomain(of: endpoint.host) else {
      throw .foreign(realm.redacted)
    }
    guard HostPattern.withoutFinalDot(realm.host) != HostPattern.withoutFinalDot(endpoint.host) else {
      throw .otherPort(realm.redacted)
    }
  }

  /// Returns whether the operator configured the realm's host, so that it may have any address.
  /// - Parameter realms: what the operator allows besides the endpoint's own domain.
  package static func isWrittenDown(_ realm: HTTPURL, endpoint: HTTPURL, realms: [HostPattern]) -> Bool {
    isSameService(realm, endpoint) || realms.contains { $0.matchesExactly(realm) }
  }

  /// Returns whether hosts are equal and so are ports, or both ports are the defaults of their schemes.
  private static func isSameService(_ realm: HTTPURL, _ endpoint: HTTPURL) -> Bool {
    let areDefaultPorts = [realm, endpoint].allSatisfy { $0.effectivePort == $0.scheme.defaultPort }
    return realm.host == endpoint.host && (areDefaultPorts || realm.effectivePort == endpoint.effectivePort)
  }

  /// Returns the last two labels of a name, three below a country's second level; the whole name below a shared suffix;
  /// an address itself.
  ///
  /// Without the public suffix list, only the common second levels are recognised. Where the result is too narrow,
  /// `realms:` of the upstream allows more.
  static func registrableDomain(of host: String) -> String {
    if HostPattern.isAddress(host) { return host }
    let host = HostPattern.withoutFinalDot(host)
    if sharedSuffixes.contains(where: { host.hasSuffix(".\($0)") }) { return host }
    let labels = host.split(separator: ".")
    let secondLevels: Set<Substring> = ["ac", "co", "com", "edu", "gov", "net", "org"]
    let isCountrySecondLevel =
      labels.count > 2 && labels.last?.utf8.count == 2 && secondLevels.contains(labels[labels.count - 2])
    return labels.suffix(isCountrySecondLevel ? 3 : 2).joined(separator: ".")
  }

  /// Domains below which anybody can run a registry, or a server that claims to be one.
  private static let sharedSuffixes = [
    "amazonaws.com", "amazonaws.com.cn", "appspot.com", "azurecr.cn", "azurecr.io", "azurecr.us", "azurefd.net",
    "azurewebsites.net", "cloudapp.azure.com", "cloudfront.net", "fly.dev", "github.io", "gitlab.io", "herokuapp.com",
    "jfrog.io", "netlify.app", "ngrok.app", "ngrok.io", "onrender.com", "pages.dev", "pkg.dev",
    "r2.cloudflarestorage.com", "r2.dev", "run.app", "storage.googleapis.com", "tencentcloudcr.com",
    "trycloudflare.com", "vercel.app", "windows.net", "workers.dev",
  ]
}

extension RealmPolicy.Refusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .insecure(let realm):
      "the token realm \(realm) is plain http while the endpoint is https: configure the registry with an https realm"
    case .foreign(let realm):
      "the token realm \(realm) is on another domain than the endpoint; if intended, add its host to 'realms:'"
    case .otherPort(let realm):
      "the token realm \(realm) is on another port than the endpoint; if intended, add host and port to 'realms:'"
    }
  }
}
