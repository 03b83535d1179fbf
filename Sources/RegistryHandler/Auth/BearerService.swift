/// Where tokens for a registry come from, as its challenge says.
/// <https://distribution.github.io/distribution/spec/auth/token/>
package struct BearerService: Hashable, Sendable {
  package let realm: HTTPURL
  package let service: String?

  package init(realm: HTTPURL, service: String?) {
    self.realm = realm
    self.service = service
  }

  /// The first Bearer challenge that can be answered.
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

  /// The URL that gives a token for a scope.
  package func tokenURL(for scope: Scope) -> HTTPURL {
    let parameters =
      (service.map { ["service=\($0.percentEncoded)"] } ?? []) + ["scope=\(scope.description.percentEncoded)"]
    let separator = realm.target.contains("?") ? "&" : "?"
    return realm.replacingTarget(realm.target + separator + parameters.joined(separator: "&"))
  }
}
