internal import Testing

@testable internal import RegistryHandler

/// Tables "Which upstream" and "Built-in upstreams" of `docs/request-handling.md`.
struct UpstreamTests {
  @Test(
    arguments: [
      (true, "alpine", "library/alpine"),
      (true, "owner/alpine", "owner/alpine"),
      (true, "library/alpine", "library/alpine"),
      (false, "alpine", "alpine"),
    ]
  )
  func `library is put before a single component, where that is the custom`(
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
  func `deny goes before allow, and an empty allow allows all`(
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
    let upstream = try #require(UpstreamTable(Upstream.builtIn).upstream(named: row.name))
    #expect(upstream.endpoints.map(\.description) == [row.endpoint])
    #expect(upstream.hostLabels == row.labels)
    #expect(upstream.isDefault == (row.name == "docker.io"))
    #expect(upstream.hasLibrary == (row.name == "docker.io"))
  }

  @Test func `there are no other built-in ones, and none has the host label of another`() {
    let labels = Upstream.builtIn.flatMap(\.hostLabels)
    #expect(Upstream.builtIn.count == 11)
    #expect(Set(labels).count == labels.count)
  }

  private static func upstream() throws -> Upstream {
    Upstream(name: try Values.upstream("a.test"), endpoints: [try Values.url("https://a.test")])
  }
}
