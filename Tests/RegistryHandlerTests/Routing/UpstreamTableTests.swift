internal import Testing

@testable internal import RegistryHandler

/// Table "Which upstream" of `docs/request-handling.md`.
struct UpstreamTableTests {
  private static let digest = "sha256:" + String(repeating: "0a", count: 32)

  /// Creates a table of the built-in upstreams and one with its own host and a port, below the domain `example.com`.
  private static func table(domain: String? = "example.com", hasDefault: Bool = true) throws -> UpstreamTable {
    var upstreams = Upstream.builtIn
    var corporate = Upstream(
      name: try Values.upstream("corp.test:5000"),
      endpoints: [try Values.url("https://corp.test:5000")]
    )
    corporate.hosts = ["Mirror.Corp.Test"]
    upstreams.append(corporate)
    if !hasDefault { for index in upstreams.indices { upstreams[index].isDefault = false } }
    return UpstreamTable(upstreams, domain: domain)
  }

  struct Row: Sendable {
    let path: String
    let host: String
    let upstream: String
    let rule: UpstreamTable.Rule
    let target: String
    let prefix: UpstreamTable.ClientPrefix

    init(
      _ path: String,
      from host: String = "localhost",
      _ upstream: String,
      _ rule: UpstreamTable.Rule,
      _ target: String,
      _ prefix: UpstreamTable.ClientPrefix = .none
    ) {
      self.path = path
      self.host = host
      self.upstream = upstream
      self.rule = rule
      self.target = target
      self.prefix = prefix
    }
  }

  @Test(
    arguments: [
      // 1. The path names the upstream.
      Row("/v2/ghcr.io/o/a/manifests/v1", "ghcr.io", .pathPrefix, "/v2/o/a/manifests/v1", .insideVersion("ghcr.io")),
      Row(
        "/ghcr.io/v2/o/a/blobs/\(digest)",
        "ghcr.io",
        .pathPrefix,
        "/v2/o/a/blobs/\(digest)",
        .beforeVersion("ghcr.io")
      ),
      Row("/ghcr.io/v2/", "ghcr.io", .pathPrefix, "/v2/", .beforeVersion("ghcr.io")),
      Row(
        "/v2/corp.test:5000/a/tags/list",
        "corp.test:5000",
        .pathPrefix,
        "/v2/a/tags/list",
        .insideVersion("corp.test:5000")
      ),
      Row(
        "/v2/index.docker.io/alpine/manifests/v1",
        "docker.io",
        .pathPrefix,
        "/v2/library/alpine/manifests/v1",
        .insideVersion("index.docker.io")
      ),
      // The path takes precedence over `ns` and `Host`.
      Row(
        "/v2/ghcr.io/a/manifests/v1?ns=quay.io",
        from: "gcr.example.com",
        "ghcr.io",
        .pathPrefix,
        "/v2/a/manifests/v1",
        .insideVersion("ghcr.io")
      ),
      // 2. `ns` names the upstream, and takes precedence over `Host`.
      Row("/v2/a/b/manifests/v1?ns=quay.io", "quay.io", .namespace, "/v2/a/b/manifests/v1"),
      Row(
        "/v2/alpine/manifests/v1?ns=DOCKER.IO",
        from: "quay.example.com",
        "docker.io",
        .namespace,
        "/v2/library/alpine/manifests/v1"
      ),
      Row("/v2/?ns=quay.io", "quay.io", .namespace, "/v2/"),
      // 3. `Host` names the upstream, regardless of case, port or final dot.
      Row("/v2/a/tags/list", from: "quay.example.com", "quay.io", .host, "/v2/a/tags/list"),
      Row("/v2/", from: "QUAY.Example.COM:5000", "quay.io", .host, "/v2/"),
      Row("/v2/", from: "k8s-gcr.example.com.", "k8s.gcr.io", .host, "/v2/"),
      Row("/v2/", from: "k8s.example.com.:443", "registry.k8s.io", .host, "/v2/"),
      Row("/v2/", from: "mirror.corp.test", "corp.test:5000", .host, "/v2/"),
      Row(
        "/v2/dotted.name/a/manifests/v1",
        from: "quay.example.com",
        "quay.io",
        .host,
        "/v2/dotted.name/a/manifests/v1"
      ),
      Row("/v2/alpine/manifests/v1", from: "docker.example.com", "docker.io", .host, "/v2/library/alpine/manifests/v1"),
      // 4. Otherwise the default upstream applies.
      Row("/v2/alpine/manifests/v1", "docker.io", .defaultUpstream, "/v2/library/alpine/manifests/v1"),
      Row("/v2/a/b/tags/list", "docker.io", .defaultUpstream, "/v2/a/b/tags/list"),
      Row("/v2/", from: "example.com", "docker.io", .defaultUpstream, "/v2/"),
      Row("/v2/", from: "notexample.com", "docker.io", .defaultUpstream, "/v2/"),
      Row("/v2/", from: "quay.example.com.evil.test", "docker.io", .defaultUpstream, "/v2/"),
      Row("/v2/", from: "[::1]:5000", "docker.io", .defaultUpstream, "/v2/"),
      Row("/v2/", from: "", "docker.io", .defaultUpstream, "/v2/"),
    ]
  )
  func `the first rule that applies selects the upstream`(_ row: Row) throws {
    let match = try Self.table().match(RequestTarget(row.path), host: row.host)
    #expect(match.upstream.name.description == row.upstream)
    #expect(match.rule == row.rule)
    #expect(match.route.target == row.target)
    #expect(match.clientPrefix == row.prefix)
  }

  @Test(
    arguments: [
      ("/v2/a/b/manifests/v1?ns=nowhere.test", "localhost", RouteError.unknownUpstream("nowhere.test")),
      ("/v2/a/b/manifests/v1?ns=", "quay.example.com", .unknownUpstream("")),
      ("/v2/", "nowhere.example.com", .unknownUpstream("nowhere.example.com")),
      ("/v2/", "docker.quay.example.com", .unknownUpstream("docker.quay.example.com")),
      ("/v2/nowhere.test/a/manifests/v1", "localhost", .unknownUpstream("nowhere.test")),
      ("/v2/nowhere:5000/a/manifests/v1", "localhost", .unknownUpstream("nowhere:5000")),
      ("/nowhere.test/v2/a/manifests/v1", "quay.example.com", .unknownUpstream("nowhere.test")),
      ("/v2", "localhost", .unknownEndpoint("v2")),
      ("/v1/a/b", "localhost", .unknownEndpoint("v1/a/b")),
      ("/ghcr.io/v2", "localhost", .unknownEndpoint("ghcr.io/v2")),
      ("/favicon.ico", "localhost", .unknownEndpoint("favicon.ico")),
    ]
  )
  func `an unknown upstream is an error, never a fall-through`(_ path: String, _ host: String, _ error: RouteError)
    throws
  {
    let table = try Self.table()
    #expect(throws: error) { try table.match(RequestTarget(path), host: host) }
  }

  @Test func `a request that names no upstream is an error without a default`() throws {
    let table = try Self.table(hasDefault: false)
    #expect(throws: RouteError.unknownUpstream("localhost")) {
      try table.match(RequestTarget("/v2/"), host: "localhost")
    }
  }

  @Test func `labels select no upstream without a domain`() throws {
    let table = try Self.table(domain: nil)
    #expect(try table.match(RequestTarget("/v2/"), host: "quay.example.com").rule == .defaultUpstream)
  }

  @Test(
    arguments: [
      ("quay.example.com", true, true), ("example.com", true, true), ("nowhere.example.com", true, false),
      ("localhost:5000", true, true), ("localhost", false, false), ("mirror.corp.test", false, true),
      ("Example.com.", false, true),
    ]
  )
  func `a host is known if it selects an upstream or is the domain`(_ host: String, _ hasDefault: Bool, _ isKnown: Bool)
    throws
  {
    #expect(try Self.table(hasDefault: hasDefault).isKnownHost(host) == isKnown)
  }
}
