/// The token service of a registry, according to its challenge.
/// <https://distribution.github.io/distribution/spec/auth/token/>
package struct BearerService: Hashable, Sendable {
  package let realm: HTTPURL
  package let service: String?

  package init(realm: HTTPURL, service: String?) {
    self.realm = realm
    self.service = service
  }

  /// Creates the service of the first Bearer challenge with a usable realm; `nil` if there is none.
  package init?(_ challenges: [Challenge]) {
    let realms = challenges.lazy.filter { $0.scheme == "bearer" }
      .compactMap { challenge in
        challenge.parameters["realm"].flatMap { HTTPURL($0) }.map {
          BearerService(realm: $0, service: challenge.parameters["service"])
        }
      }
    guard let first = realms.first else { return nil }
    self = first
  }

  /// Returns the URL to request a token for a scope.
  /// - Parameter account: the name of the account that requests it, if any.
  package func tokenURL(for scope: Scope, account: String? = nil) -> HTTPURL {
    let optional = [account.map { "account=\($0.percentEncoded)" }, service.map { "service=\($0.percentEncoded)" }]
    let parameters = optional.compactMap { $0 } + ["scope=\(scope.description.percentEncoded)"]
    let separator = realm.target.contains("?") ? "&" : "?"
    return realm.replacingTarget(realm.target + separator + parameters.joined(separator: "&"))
  }
}
