internal import Testing

@testable internal import RegistryHandler

/// Table "Tokens" of `docs/rules/tokens.md`.
struct RealmPolicyTests {
  enum Verdict: Sendable {
    case allowed
    case foreign
    case insecure
    case otherPort

    init(_ refusal: RealmPolicy.Refusal) {
      self =
        switch refusal {
        case .foreign: .foreign
        case .insecure: .insecure
        case .otherPort: .otherPort
        }
    }
  }

  @Test(
    arguments: [
      ("https://r.example/token", "https://r.example/", Verdict.allowed),
      ("https://r.example:443/token", "https://r.example/", .allowed),
      ("https://r.example:5000/token", "https://r.example:5000/", .allowed),
      ("https://auth.r.example:444/token", "https://r.example/", .allowed),
      ("https://auth.docker.io/token", "https://registry-1.docker.io/", .allowed),
      ("https://a.b.r.example/token", "https://c.r.example/", .allowed),
      ("https://auth.corp.co.uk/", "https://registry.corp.co.uk/", .allowed),
      ("http://r.example/token", "http://r.example/", .allowed),
      ("https://r.example/token", "http://r.example/", .allowed),
      ("https://a.jfrog.io/token", "https://a.jfrog.io/", .allowed),
      ("https://r.example:444/token", "https://r.example/", .otherPort),
      ("https://r.example.:444/token", "https://r.example/", .otherPort),
      ("https://r.example/token", "https://r.example:5000/", .otherPort),
      ("https://r.example/token", "http://r.example:5000/", .otherPort),
      ("http://r.example:22/token", "http://r.example/", .otherPort),
      ("https://127.0.0.1:5001/", "https://127.0.0.1:5000/", .otherPort),
      ("https://b.jfrog.io/token", "https://a.jfrog.io/", .foreign),
      ("https://x.a.jfrog.io/token", "https://a.jfrog.io/", .foreign),
      ("https://evil.s3.eu.amazonaws.com/", "https://1.dkr.ecr.eu.amazonaws.com/", .foreign),
      ("https://b.azurecr.io/", "https://a.azurecr.io/", .foreign),
      ("https://evil.example/token", "https://r.test/", .foreign),
      ("https://r.test.evil.example/token", "https://r.test/", .foreign),
      ("https://notdocker.io/token", "https://registry-1.docker.io/", .foreign),
      ("https://evil.co.uk/", "https://registry.corp.co.uk/", .foreign),
      ("https://127.0.0.2/", "https://127.0.0.1/", .foreign),
      ("https://10.0.0.1/", "https://192.0.0.1/", .foreign),
      ("https://[::2]/", "https://[::1]/", .foreign),
      ("https://169.254.169.254/latest/meta-data/", "https://r.test/", .foreign),
      ("https://localhost/", "https://r.test/", .foreign),
      ("http://r.example/token", "https://r.example/", .insecure),
      ("http://evil.example/token", "https://r.test/", .insecure),
      ("http://evil.example/token", "http://r.test/", .foreign),
    ]
  )
  func `a realm has to be related to its endpoint`(_ realm: String, _ endpoint: String, _ verdict: Verdict) throws {
    let realm = try Values.url(realm)
    let endpoint = try Values.url(endpoint)
    #expect(self.verdict(on: realm, endpoint, []) == verdict)
  }

  private func verdict(on realm: HTTPURL, _ endpoint: HTTPURL, _ realms: [HostPattern]) -> Verdict {
    do {
      try RealmPolicy.check(realm, endpoint: endpoint, realms: realms)
      return .allowed
    } catch {
      return Verdict(error)
    }
  }

  @Test(
    arguments: [
      ("https://auth.other.example/", Verdict.allowed),
      ("https://other.example:8443/", .allowed),
      ("https://notother.example/", .foreign),
      ("http://auth.other.example/", .insecure),
    ]
  )
  func `the operator can allow other hosts, but not plain http`(_ realm: String, _ verdict: Verdict) throws {
    let realms = [try #require(HostPattern("other.example"))]
    let realm = try Values.url(realm)
    let endpoint = try Values.url("https://r.test")
    #expect(self.verdict(on: realm, endpoint, realms) == verdict)
  }

  @Test func `the operator can allow another port of the endpoint's host`() throws {
    let realms = [try #require(HostPattern("r.test:444"))]
    let endpoint = try Values.url("https://r.test")
    #expect(verdict(on: try Values.url("https://r.test:444/"), endpoint, realms) == .allowed)
    #expect(verdict(on: try Values.url("https://r.test:445/"), endpoint, realms) == .otherPort)
  }

  @Test(
    arguments: [
      ("registry-1.docker.io", "docker.io"), ("docker.io", "docker.io"), ("a.b.corp.co.uk", "corp.co.uk"),
      ("corp.co.uk", "corp.co.uk"), ("a.example.com.au", "example.com.au"), ("localhost", "localhost"),
      ("10.1.2.3", "10.1.2.3"), ("[::1]", "[::1]"), ("a.co.com", "co.com"), ("a.docker.io.", "docker.io"),
      ("a.jfrog.io", "a.jfrog.io"), ("b.a.jfrog.io", "b.a.jfrog.io"), ("jfrog.io", "jfrog.io"),
      ("1.dkr.ecr.eu-west-1.amazonaws.com", "1.dkr.ecr.eu-west-1.amazonaws.com"), ("notjfrog.io", "notjfrog.io"),
      ("a.notjfrog.io", "notjfrog.io"),
    ]
  )
  func `the registrable domain is two labels, three below a country's second level, all below a shared suffix`(
    _ host: String,
    _ domain: String
  ) {
    #expect(RealmPolicy.registrableDomain(of: host) == domain)
  }

  @Test func `a refusal shows no query`() throws {
    let refusal = #expect(throws: RealmPolicy.Refusal.self) {
      try RealmPolicy.check(
        try Values.url("https://evil.example/t?secret=1"),
        endpoint: try Values.url("https://r.test"),
        realms: []
      )
    }
    #expect(refusal?.description.contains("https://evil.example/t") == true)
    #expect(refusal?.description.contains("secret") == false)
  }
}
