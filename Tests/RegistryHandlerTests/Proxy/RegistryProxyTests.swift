internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Requests" and "Responses" of `docs/request-handling.md`.
struct RegistryProxyTests {
  private static let digest = "sha256:" + String(repeating: "0a", count: 32)

  @Test(arguments: [HTTPRequest.Method.get, .head])
  func `the version root is served without contacting upstream`(_ method: HTTPRequest.Method) async throws {
    let fixture = try ProxyFixture()
    for target in ["/v2/", "/q.test/v2/", "/v2/?ns=q.test"] {
      let response = await fixture.send(method, target)
      #expect(response.status == 200)
      #expect(response.headers[.contentType] == "application/json")
      #expect(response.headers[.contentLength] == "2")
      #expect(response.headers[.wwwAuthenticate] == nil)
    }
    #expect(fixture.registry.log.isEmpty)
  }

  @Test(
    arguments: [
      "/v2/", "/", "/v2", "/%", "/v2/o/a/manifests/v1", "/v2/o/a/blobs/\(digest)", "/v2/o/a/tags/list",
      "/_regproxy/healthz",
      "/v2/x.test/a/manifests/v1",
    ]
  )
  func `every response has the protocol version`(_ target: String) async throws {
    let response = await (try ProxyFixture()).send(.get, target)
    #expect(response.headers[.dockerDistributionAPIVersion] == "registry/2.0")
  }

  @Test(
    arguments: [
      (HTTPRequest.Method.post, "/v2/o/a/blobs/uploads/"),
      (.post, "/v2/o/a/blobs/uploads/?mount=\(digest)&from=o/b"),
      (.patch, "/v2/o/a/blobs/uploads/0123"),
      (.put, "/v2/o/a/blobs/uploads/0123?digest=\(digest)"),
      (.put, "/v2/o/a/manifests/v1"),
      (.delete, "/v2/o/a/manifests/\(digest)"),
      (.delete, "/v2/o/a/blobs/\(digest)"),
      (.delete, "/v2/o/a/tags/v1"),
      (.post, "/v2/auth"),
      (.post, "/"),
      (.delete, "/_regproxy/metrics"),
      (.get, "/v2/o/a/blobs/uploads/0123"),
    ]
  )
  func `a write is refused`(_ method: HTTPRequest.Method, _ target: String) async throws {
    let fixture = try ProxyFixture()
    let response = await fixture.send(method, target)
    #expect(response.status == 405)
    #expect(try ErrorDocument.item(of: response).code == "UNSUPPORTED")
    #expect(fixture.registry.log.isEmpty)
  }

  @Test func `a full worker refuses all but the operator's requests`() async throws {
    let fixture = try ProxyFixture()
    for target in ["/v2/", "/v2/o/a/manifests/v1", "/v2/o/a/blobs/\(Self.digest)"] {
      let response = await fixture.send(.get, target, under: .full)
      #expect(response.status == 503)
      #expect(response.headers[.retryAfter] == "5")
      #expect(try ErrorDocument.item(of: response).code == "UNAVAILABLE")
    }
    #expect(await fixture.send(.get, "/_regproxy/healthz", under: .full).status == 200)
    #expect(fixture.registry.log.isEmpty)
  }

  /// The first request of a row is held while the second one is sent.
  @Test(
    arguments: [
      (("192.0.2.1", "/v2/r.test/o/a/manifests/v1"), ("192.0.2.1", "/v2/q.test/o/a/manifests/v1"), "client 192.0.2.1"),
      (("2001:db8::1", "/v2/"), ("2001:db8::2", "/v2/q.test/o/a/manifests/v1"), "client 2001:db8::"),
      (("192.0.2.1", "/v2/o/a/manifests/v1"), ("192.0.2.2", "/v2/o/b/manifests/v1"), "upstream r.test"),
      (
        ("192.0.2.1", "/v2/r.test/o/a/blobs/\(digest)"), ("192.0.2.2", "/v2/q.test/o/a/blobs/\(digest)"),
        "blob \(digest)"
      ),
      (("192.0.2.1", "/v2/"), ("2001:db8::2", "/v2/q.test/o/a/manifests/v1"), nil),
    ] as [((String, String), (String, String), String?)]
  )
  func `under a high load, no client, upstream or blob has more than its share`(
    _ first: (client: String, target: String),
    _ second: (client: String, target: String),
    _ party: String?
  ) async throws {
    let fixture = try ProxyFixture(share: 1)
    let held = await fixture.send(.get, first.target, from: IPAddress(first.client), under: .high)
    #expect(held.status != 503)
    #expect(await fixture.send(.get, second.target, from: IPAddress(second.client)).status != 503)
    let response = await fixture.send(.get, second.target, from: IPAddress(second.client), under: .high)
    #expect((response.status == 503) == (party != nil))
    guard let party else { return }
    #expect(try ErrorDocument.item(of: response).message.hasPrefix("\(party) has as many requests"))
    #expect(response.headers[.retryAfter] == "5")
    #expect(held.share != nil)
  }

  @Test func `a share is released with the response`() async throws {
    let fixture = try ProxyFixture(share: 1)
    for _ in 0..<3 { #expect(await fixture.send(.get, "/v2/", under: .high).status == 200) }
  }

  @Test(arguments: [("localhost", 301), ("docker.example.com", 404), ("example.com", 301)])
  func `the root leads to the version root on a known host`(_ host: String, _ status: Int) async throws {
    let response = await (try ProxyFixture(domain: "example.com")).send(.get, "/", host: host)
    #expect(response.status == status)
    #expect(response.headers[.location] == (status == 301 ? "/v2/" : nil))
  }

  @Test(arguments: ["/", "/v2/", "/v2/a/manifests/v1"])
  func `an unknown host gets the list of upstreams`(_ target: String) async throws {
    let fixture = try ProxyFixture { $0.isDefault = false }
    let response = await fixture.send(.get, target)
    #expect(response.status == 404)
    let error = try ErrorDocument.item(of: response)
    #expect(error.code == "NAME_UNKNOWN")
    #expect(error.detail?.upstreams == ["q.test", "r.test"])
    #expect(fixture.registry.log.isEmpty)
  }

  @Test(
    arguments: [
      ("/v2/A/manifests/v1", 400, "NAME_INVALID"), ("/v2/a%2Fb/manifests/v1", 400, "NAME_INVALID"),
      ("/v2/a/../b/manifests/v1", 400, "NAME_INVALID"), ("/v2/a/manifests/-", 400, "TAG_INVALID"),
      ("/v2/a/blobs/sha256:0", 400, "DIGEST_INVALID"), ("/v2/a/tags/list?n=x", 400, "UNSUPPORTED"),
      ("/v2/x.test/a/manifests/v1", 404, "NAME_UNKNOWN"), ("/v2/a/manifests/v1?ns=x.test", 404, "NAME_UNKNOWN"),
      ("/v2/_catalog", 404, "UNSUPPORTED"), ("/v2/auth", 404, "UNSUPPORTED"),
    ]
  )
  func `an invalid request is refused without contacting upstream`(
    _ target: String,
    _ status: Int,
    _ code: String
  ) async throws {
    let fixture = try ProxyFixture()
    let response = await fixture.send(.get, target)
    #expect(response.status == status)
    #expect(try ErrorDocument.item(of: response).code == code)
    #expect(fixture.registry.log.isEmpty)
  }

  @Test(arguments: ["manifests/v1", "blobs/\(digest)", "tags/list", "referrers/\(digest)"])
  func `a denied repository is refused without contacting upstream`(_ path: String) async throws {
    let fixture = try ProxyFixture { $0.deny = [GlobPattern("library/*")] }
    let response = await fixture.send(.get, "/v2/alpine/\(path)")
    #expect(response.status == 403)
    #expect(try ErrorDocument.item(of: response).code == "DENIED")
    #expect(fixture.registry.log.isEmpty)
  }

  @Test func `a namespace in the query is confirmed by a header`() async throws {
    let fixture = try ProxyFixture()
    #expect(await fixture.send(.get, "/v2/?ns=q.test").headers[.ociNamespace] == "q.test")
    #expect(await fixture.send(.get, "/v2/").headers[.ociNamespace] == nil)
    #expect(await fixture.send(.get, "/q.test/v2/").headers[.ociNamespace] == nil)
  }

  @Test func `the summary has the request and its outcome`() async throws {
    let response = await (try ProxyFixture()).send(.get, "/v2/alpine/manifests/v1")
    #expect(response.summary.kind == .manifest)
    #expect(response.summary.upstream?.description == "r.test")
    #expect(response.summary.repository?.description == "library/alpine")
    #expect(response.summary.reference == "v1")
    #expect(response.summary.cache == nil)
    #expect(response.summary.error?.contains("does not have v1") == true)
  }
}
