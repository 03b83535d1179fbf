internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Which upstream" of `docs/request-handling.md`, and the built-in upstreams of `docs/configuration.md`.
struct UpstreamTests {
  @Test(
    arguments: [
      (true, "alpine", "library/alpine"),
      (true, "owner/alpine", "owner/alpine"),
      (true, "library/alpine", "library/alpine"),
      (false, "alpine", "alpine"),
    ]
  )
  func `the library namespace is added to a single component if the upstream has it`(
    _ hasLibrary: Bool,
    _ name: String,
    _ canonical: String
  ) throws {
    var upstream = try Self.upstream()
    upstream.hasLibrary = hasLibrary
    #expect(upstream.canonicalName(of: try Values.repository(name)).description == canonical)
  }

  @Test(
    arguments: [
      ([], [], "a/b", true),
      ([], ["a/*"], "a/b", false),
      ([], ["a/*"], "b/a", true),
      (["a/*"], [], "a/b/c", true),
      (["a/*"], [], "b", false),
      (["a/*"], ["a/*-nightly"], "a/x-nightly", false),
      (["a/*"], ["a/*-nightly"], "a/x", true),
      (["*"], ["*"], "a", false),
      (["a", "b"], [], "b", true),
    ]
  )
  func `deny takes precedence over allow, and an empty allow allows all`(
    _ allow: [String],
    _ deny: [String],
    _ name: String,
    _ isPermitted: Bool
  ) throws {
    var upstream = try Self.upstream()
    upstream.allow = allow.map(GlobPattern.init)
    upstream.deny = deny.map(GlobPattern.init)
    #expect(upstream.permits(try Values.repository(name)) == isPermitted)
  }

  @Test(
    arguments: [
      ("https://r.test", "https://r.test/v2/"), ("https://r.test:444/", "https://r.test:444/v2/"),
      ("http://r.test/base", "http://r.test/base/v2/"), ("http://r.test/a/b/", "http://r.test/a/b/v2/"),
    ]
  )
  func `a route is below the path of the endpoint`(_ endpoint: String, _ url: String) throws {
    #expect(try Self.upstream().url(for: .ping, at: Values.url(endpoint)) == Values.url(url))
  }

  struct BuiltIn: Sendable {
    let name: String
    let endpoint: String
    let labels: Set<String>
  }

  @Test(
    arguments: [
      BuiltIn(name: "docker.io", endpoint: "https://registry-1.docker.io/", labels: ["docker", "docker-staging"]),
      BuiltIn(name: "ghcr.io", endpoint: "https://ghcr.io/", labels: ["ghcr"]),
      BuiltIn(name: "quay.io", endpoint: "https://quay.io/", labels: ["quay"]),
      BuiltIn(name: "gcr.io", endpoint: "https://gcr.io/", labels: ["gcr"]),
      BuiltIn(name: "k8s.gcr.io", endpoint: "https://k8s.gcr.io/", labels: ["k8s-gcr"]),
      BuiltIn(name: "registry.k8s.io", endpoint: "https://registry.k8s.io/", labels: ["k8s"]),
      BuiltIn(name: "mcr.microsoft.com", endpoint: "https://mcr.microsoft.com/", labels: ["mcr"]),
      BuiltIn(name: "public.ecr.aws", endpoint: "https://public.ecr.aws/", labels: ["ecr"]),
      BuiltIn(name: "docker.cloudsmith.io", endpoint: "https://docker.cloudsmith.io/", labels: ["cloudsmith"]),
      BuiltIn(name: "nvcr.io", endpoint: "https://nvcr.io/", labels: ["nvcr"]),
      BuiltIn(name: "registry.gitlab.com", endpoint: "https://registry.gitlab.com/", labels: ["gitlab"]),
    ]
  )
  func `the well-known registries work without configuration`(_ row: BuiltIn) throws {
    let upstream = try #require(Upstream.builtIn.first { $0.name.description == row.name })
    #expect(upstream.endpoints.map(\.description) == [row.endpoint])
    #expect(upstream.hostLabels == row.labels)
    #expect(upstream.isDefault == (row.name == "docker.io"))
    #expect(upstream.hasLibrary == (row.name == "docker.io"))
  }

  @Test(
    arguments: [
      ("docker.io", "https://production.cloudflare.docker.com/registry-v2/x", RedirectTarget.internalHost),
      ("docker.io", "https://docker-images-prod.r2.cloudflarestorage.com/x", .storageHost),
      ("docker.io", "https://auth.docker.io/x", .internalHost),
      ("ghcr.io", "https://pkg-containers.githubusercontent.com/ghcr1/x", .storageHost),
      ("ghcr.io", "https://raw.githubusercontent.com/x", .otherHost),
      ("quay.io", "https://cdn03.quay.io/x", .storageHost),
      ("quay.io", "https://quayio-production-s3.s3.amazonaws.com/x", .storageHost),
      ("gcr.io", "https://storage.googleapis.com/artifacts.p.appspot.com/x", .storageHost),
      ("gcr.io", "/artifacts-downloads/x", .sameOrigin),
      ("k8s.gcr.io", "https://registry.k8s.io/v2/x", .storageHost),
      ("registry.k8s.io", "https://us-west1-docker.pkg.dev/v2/x", .storageHost),
      (
        "registry.k8s.io", "https://prod-registry-k8s-io-eu-west-1.s3.dualstack.eu-west-1.amazonaws.com/x", .storageHost
      ),
      ("mcr.microsoft.com", "https://eastus.data.mcr.microsoft.com/x", .storageHost),
      ("mcr.microsoft.com", "https://m.blob.core.windows.net/x", .storageHost),
      ("public.ecr.aws", "https://d2glxqk2uabbnd.cloudfront.net/x", .storageHost),
      ("docker.cloudsmith.io", "https://dl.cloudsmith.io/x", .storageHost),
      ("nvcr.io", "https://layers.nvcr.io/x", .storageHost),
      ("registry.gitlab.com", "https://cdn.registry.gitlab-static.net/x", .storageHost),
      ("registry.gitlab.com", "https://storage.googleapis.com/gitlab/x", .storageHost),
    ]
  )
  func `redirects of the well-known registries have known targets`(
    _ name: String,
    _ location: String,
    _ target: RedirectTarget
  ) throws {
    let upstream = try #require(Upstream.builtIn.first { $0.name.description == name })
    let endpoint = try #require(upstream.endpoints.first)
    let redirect = UpstreamRedirect(
      status: 307,
      location: location,
      endpoint: endpoint,
      requestURL: endpoint.replacingTarget("/v2/")
    )
    let action = RedirectPolicy(upstream.redirects, mode: .follow).action(for: redirect)
    if target == .otherHost {
      #expect(action == .passThrough(ClientRedirect(status: 307, location: location, method: .get), target))
    } else {
      #expect(action == .follow(try #require(redirect.requestURL.resolving(location)), target))
    }
  }

  @Test func `the built-in upstreams are complete, and their host labels unique`() {
    let labels = Upstream.builtIn.flatMap(\.hostLabels)
    #expect(Upstream.builtIn.count == 11)
    #expect(Set(labels).count == labels.count)
  }

  private static func upstream() throws -> Upstream {
    Upstream(name: try Values.upstream("a.test"), endpoints: [try Values.url("https://a.test")])
  }
}
