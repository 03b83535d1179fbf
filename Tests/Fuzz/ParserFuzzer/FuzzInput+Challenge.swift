internal import RegistryHandler

extension FuzzInput {
  /// Checks `WWW-Authenticate` lines.
  func checkChallenge() {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let challenges = Challenge.parse(lines)
    for challenge in challenges {
      expect(isToken(challenge.scheme), "a scheme is not a token: \(challenge.scheme)")
      for (name, value) in challenge.parameters {
        expect(isToken(name), "a parameter name is not a token: \(name)")
        let isText = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        expect(isText, "the value of '\(name)' has a control byte")
      }
    }
    guard let service = BearerService(challenges) else { return }
    check(service)
  }

  private func isToken(_ text: String) -> Bool {
    !text.isEmpty && text.utf8.allSatisfy { $0.isTokenCharacter && !$0.isUppercaseLetter }
  }

  private func check(_ service: BearerService) {
    guard let repository = RepositoryName("library/alpine"), let endpoint = HTTPURL("https://r.example.org") else {
      return
    }
    let scope = Scope.pull(repository)
    let url = service.tokenURL(for: scope)
    expect(url.isSameOrigin(as: service.realm), "\(url) has another origin than the realm")
    expect(url.description.utf8.allSatisfy(\.isVisible), "\(url) is not a URL")
    expectEqual(HTTPURL(url.description), url, "a token URL changes when parsed again")
    if let mark = url.target.firstIndex(of: "?"), let query = try? Query(url.target[mark...].dropFirst()) {
      expectEqual(query.values(of: "scope").last, scope.description, "the token request has another scope")
      if let name = service.service, name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
        expectEqual(query.values(of: "service").last, name, "the token request has another service")
      }
    }
    guard (try? RealmPolicy.check(service.realm, endpoint: endpoint, realms: [])) != nil else { return }
    expect(service.realm.scheme == .https, "a realm without TLS is allowed")
    let host = service.realm.host
    expect(host == "example.org" || host.hasSuffix(".example.org"), "a realm on a foreign domain is allowed: \(host)")
  }

  /// Checks all bytes as the response of a token service.
  func checkToken() {
    guard let response = TokenResponse(json: bytes) else { return }
    expect(!response.token.isEmpty && response.token.utf8.allSatisfy(\.isVisible), "a token is not valid in a header")
    expect(
      (0...TokenResponse.maximumLifetime).contains(response.lifetime),
      "a token has a lifetime of \(response.lifetime) s"
    )
  }
}
