/// Decides whether a realm that an upstream names may be asked for tokens; pure.
///
/// An upstream that could name any URL would have this host ask whatever it likes, and hand over credentials.
package enum RealmPolicy {
  package enum Refusal: Error, Equatable, Sendable {
    /// The realm is plain http although the endpoint is https.
    case insecure(String)
    /// The realm's host has nothing to do with the endpoint's.
    case foreign(String)
    /// The realm is another service on the endpoint's host.
    case otherPort(String)
  }

  /// Throws the rule that refuses the realm; otherwise it may be asked.
  /// - Parameter realms: what the operator allows besides the endpoint's own domain.
  package static func check(_ realm: HTTPURL, endpoint: HTTPURL, realms: [HostPattern]) throws(Refusal) {
    guard realm.scheme == .https || endpoint.scheme == .http else { throw .insecure(realm.redacted) }
    if isSameService(realm, endpoint) || realms.contains(where: { $0.matches(realm) }) { return }
    guard registrableDomain(of: realm.host) == registrableDomain(of: endpoint.host) else {
      throw .foreign(realm.redacted)
    }
    guard withoutFinalDot(realm.host) != withoutFinalDot(endpoint.host) else { throw .otherPort(realm.redacted) }
  }

  /// Whether the operator wrote the realm's host down, so that it may be at any address.
  /// - Parameter realms: what the operator allows besides the endpoint's own domain.
  package static func isWrittenDown(_ realm: HTTPURL, endpoint: HTTPURL, realms: [HostPattern]) -> Bool {
    isSameService(realm, endpoint) || realms.contains { $0.matchesExactly(realm) }
  }

  /// Whether host and port are the same, or both ports are the defaults of their schemes.
  private static func isSameService(_ realm: HTTPURL, _ endpoint: HTTPURL) -> Bool {
    let areDefaultPorts = [realm, endpoint].allSatisfy { $0.effectivePort == $0.scheme.defaultPort }
    return realm.host == endpoint.host && (areDefaultPorts || realm.effectivePort == endpoint.effectivePort)
  }

  /// The last two labels of a name, three where the last two are a country's second level; the whole name where its
  /// neighbours belong to others; an address is its own.
  ///
  /// Without the public suffix list this errs on the narrow side for the common second levels only; where it is too
  /// narrow, `realms:` of the upstream opens more.
  static func registrableDomain(of host: String) -> String {
    if HostPattern.isAddress(host) { return host }
    let host = withoutFinalDot(host)
    if sharedSuffixes.contains(where: { host.hasSuffix(".\($0)") }) { return host }
    let labels = host.split(separator: ".")
    let secondLevels: Set<Substring> = ["ac", "co", "com", "edu", "gov", "net", "org"]
    let isCountrySecondLevel =
      labels.count > 2 && labels.last?.utf8.count == 2 && secondLevels.contains(labels[labels.count - 2])
    return labels.suffix(isCountrySecondLevel ? 3 : 2).joined(separator: ".")
  }

  /// Domains below which anybody can have a registry, or a server that says it is one.
  private static let sharedSuffixes = [
    "amazonaws.com", "amazonaws.com.cn", "appspot.com", "azurecr.cn", "azurecr.io", "azurecr.us", "azurefd.net",
    "azurewebsites.net", "cloudapp.azure.com", "cloudfront.net", "fly.dev", "github.io", "gitlab.io", "herokuapp.com",
    "jfrog.io", "netlify.app", "ngrok.app", "ngrok.io", "onrender.com", "pages.dev", "pkg.dev",
    "r2.cloudflarestorage.com", "r2.dev", "run.app", "storage.googleapis.com", "tencentcloudcr.com",
    "trycloudflare.com", "vercel.app", "windows.net", "workers.dev",
  ]

  private static func withoutFinalDot(_ host: String) -> String { host.hasSuffix(".") ? String(host.dropLast()) : host }
}

extension RealmPolicy.Refusal: CustomStringConvertible {
  package var description: String {
    switch self {
    case .insecure(let realm): "the token realm \(realm) is plain http while the endpoint is https"
    case .foreign(let realm):
      "the token realm \(realm) is on another domain than the endpoint; if that is right, add its host to 'realms:'"
    case .otherPort(let realm):
      "the token realm \(realm) is on another port than the endpoint; if that is right, add host and port to 'realms:'"
    }
  }
}
