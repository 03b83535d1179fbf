internal import Testing

@testable internal import RegistryHandler

/// Table "Requests" of `docs/request-handling.md`.
struct RouteTests {
  private static let digest = "sha256:" + String(repeating: "0a", count: 32)

  private static func route(_ path: String) throws -> Route {
    let target = try RequestTarget(path)
    return try Route(segments: target.segments.dropFirst(), query: target.query)
  }

  /// A path and the parts of its route.
  struct Row: Sendable {
    let path: String
    let kind: RequestKind
    let repository: String?
    let reference: String?

    init(_ path: String, _ kind: RequestKind, _ repository: String? = nil, _ reference: String? = nil) {
      self.path = path
      self.kind = kind
      self.repository = repository
      self.reference = reference
    }
  }

  @Test(
    arguments: [
      Row("/v2/", .ping),
      Row("/v2/auth", .token),
      Row("/v2/a/manifests/latest", .manifest, "a", "latest"),
      Row("/v2/a/b/c/manifests/\(digest)", .manifest, "a/b/c", digest),
      Row("/v2/a/blobs/\(digest)", .blob, "a", digest),
      Row("/v2/a/b/tags/list", .tags, "a/b"),
      Row("/v2/a/referrers/\(digest)", .referrers, "a", digest),
      Row("/v2/a/blobs/uploads", .upload, "a"),
      Row("/v2/a/blobs/uploads/", .upload, "a"),
      Row("/v2/a/blobs/uploads/0123-4567", .upload, "a"),
      // A repository may have the name of an endpoint.
      Row("/v2/manifests/manifests/manifests", .manifest, "manifests", "manifests"),
      Row("/v2/a/blobs/manifests/latest", .manifest, "a/blobs", "latest"),
      Row("/v2/a/blobs/uploads/manifests/latest", .manifest, "a/blobs/uploads", "latest"),
      Row("/v2/a/tags/list/tags/list", .tags, "a/tags/list"),
      Row("/v2/a/manifests/uploads", .manifest, "a", "uploads"),
      Row("/v2/blobs/uploads/manifests/latest", .manifest, "blobs/uploads", "latest"),
      Row("/v2/v2/blobs/\(digest)", .blob, "v2", digest),
      Row("/v2/auth/manifests/latest", .manifest, "auth", "latest"),
    ]
  )
  func `a path has one meaning`(_ row: Row) throws {
    let route = try Self.route(row.path)
    #expect(route.kind == row.kind)
    #expect(route.repository?.description == row.repository)
    #expect(route.reference == row.reference)
  }

  @Test(
    arguments: [
      ("/v2/A/manifests/latest", RouteError.invalidName("A")),
      ("/v2/a_/tags/list", .invalidName("a_")),
      ("/v2/-/blobs/\(digest)", .invalidName("-")),
      ("/v2/a/manifests/-x", .invalidTag("-x")),
      ("/v2/a/manifests/sha256:0", .invalidDigest("sha256:0")),
      ("/v2/a/manifests/\(digest.uppercased())", .invalidDigest(digest.uppercased())),
      ("/v2/a/blobs/latest", .invalidDigest("latest")),
      ("/v2/a/referrers/latest", .invalidDigest("latest")),
      ("/v2/a/manifests/", .invalidTag("")),
      ("/v2/_catalog", .unknownEndpoint("_catalog")),
      ("/v2/manifests/latest", .unknownEndpoint("manifests/latest")),
      ("/v2/a/tags", .unknownEndpoint("a/tags")),
      ("/v2/a/tags/all", .unknownEndpoint("a/tags/all")),
      ("/v2/a/b/c", .unknownEndpoint("a/b/c")),
      ("/v2/a/manifests/latest/", .unknownEndpoint("a/manifests/latest/")),
      ("/v2/a/tags/list?n=-1", .malformedQuery("n=-1")),
      ("/v2/a/tags/list?n=x", .malformedQuery("n=x")),
      ("/v2/a/tags/list?n=99999999999999999999", .malformedQuery("n=99999999999999999999")),
    ]
  )
  func `a path that is not in the table is rejected`(_ path: String, _ error: RouteError) {
    #expect(throws: error) { try Self.route(path) }
  }

  @Test(
    arguments: [
      "/v2/", "/v2/auth", "/v2/a/b/manifests/v1.0", "/v2/a/manifests/\(digest)", "/v2/a/blobs/\(digest)",
      "/v2/a/blobs/uploads/", "/v2/a/tags/list", "/v2/a/tags/list?n=0", "/v2/a/tags/list?n=5&last=v1",
      "/v2/a/tags/list?last=a%26n%3D1%20%2B", "/v2/a/referrers/\(digest)",
      "/v2/a/referrers/\(digest)?artifactType=application%2Fspdx%2Bjson",
    ]
  )
  func `a route is serialized as it was parsed`(_ path: String) throws {
    #expect(try Self.route(path).target == path)
  }

  @Test(
    arguments: [
      ("/v2/a/tags/list?x=1&last=b&n=2&ns=docker.io", "/v2/a/tags/list?n=2&last=b"),
      ("/v2/a/manifests/v1?ns=docker.io", "/v2/a/manifests/v1"),
      ("/v2/a/blobs/\(digest)?digest=x", "/v2/a/blobs/\(digest)"),
      ("/v2/a/blobs/uploads/0123", "/v2/a/blobs/uploads/"),
    ]
  )
  func `unknown parameters are not sent upstream`(_ path: String, _ target: String) throws {
    #expect(try Self.route(path).target == target)
  }

  @Test func `a repository can be replaced by its name upstream`() throws {
    let name = try Values.repository("library/a")
    for path in ["manifests/v1", "blobs/\(Self.digest)", "tags/list", "referrers/\(Self.digest)", "blobs/uploads/"] {
      #expect(try Self.route("/v2/a/\(path)").replacingRepository(name).target == "/v2/library/a/\(path)")
    }
    #expect(Route.ping.replacingRepository(name) == .ping)
  }
}
