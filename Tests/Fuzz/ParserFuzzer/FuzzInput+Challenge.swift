internal import RegistryHandler

extension FuzzInput {
  /// Lines: one of `WWW-Authenticate` each.
  func checkChallenge() {
    let lines = text.split(separator: "\n", omittingEmptySubsequences: false).map(String.init)
    let challenges = Challenge.parse(lines)
    for challenge in challenges {
      expect(isToken(challenge.scheme), "a scheme is no token: \(challenge.scheme)")
      for (name, value) in challenge.parameters {
        expect(isToken(name), "the name of a parameter is no token: \(name)")
        let isText = value.utf8.allSatisfy { $0 >= 0x20 && $0 != 0x7F }
        expect(isText, "the value of '\(name)' hides a control byte")
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
    expect(url.isSameOrigin(as: service.realm), "\(url) is not at the realm")
    expect(url.description.utf8.allSatisfy(\.isVisible), "\(url) is no URL")
    expectEqual(HTTPURL(url.description), url, "the URL of a token is another one when read again")
    if let mark = url.target.firstIndex(of: "?"), let query = try? Query(url.target[mark...].dropFirst()) {
      expectEqual(query.values(of: "scope").last, scope.description, "the service is asked for another scope")
      if let name = service.service, name.utf8.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) {
        expectEqual(query.values(of: "service").last, name, "another service is asked")
      }
    }
    guard (try? RealmPolicy.check(service.realm, endpoint: endpoint, realms: [])) != nil else { return }
    expect(service.realm.scheme == .https, "a realm without TLS is asked")
    let host = service.realm.host
    expect(host == "example.org" || host.hasSuffix(".example.org"), "a realm of others is asked: \(host)")
  }

  /// The whole as the answer of a token service.
  func checkToken() {
    guard let response = TokenResponse(json: bytes) else { return }
    expect(!response.token.isEmpty && response.token.utf8.allSatisfy(\.isVisible), "a token cannot stand in a header")
    expect((0...TokenResponse.maximumLifetime).contains(response.lifetime), "a token lives \(response.lifetime) s")
  }
}
