internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Refusals" and "`GET` after a refused `HEAD`" of `docs/rules/tokens.md`, as clients see them.
struct RefusalTests {
  private static let base = "https://r.test/v2/o/a"
  private static let bytes = Array("a blob".utf8)

  private let fixture: ProxyFixture
  private let digest: Digest

  private var registry: FakeUpstream { fixture.registry }

  init() throws {
    fixture = try ProxyFixture()
    digest = try Values.digest(of: Self.bytes)
  }

  private var targets: [String] {
    ["/v2/o/a/manifests/v1", "/v2/o/a/manifests/\(digest)", "/v2/o/a/blobs/\(digest)"]
  }

  private func publish(_ tag: String) {
    registry.on("GET \(Self.base)/manifests/\(tag)", .text("{}", [.contentType: ManifestHandlerTests.index]))
  }

  @Test(arguments: 0..<3)
  func `twenty requests for absent content cost one request in ten seconds`(_ index: Int) async throws {
    for round in 1...2 {
      for method in [HTTPRequest.Method.get, .head] {
        for _ in 0..<10 {
          let response = await fixture.send(method, targets[index])
          #expect(response.status == 404)
          #expect(try ErrorDocument.item(of: response).code == (index == 2 ? "BLOB_UNKNOWN" : "MANIFEST_UNKNOWN"))
        }
      }
      #expect(registry.log.count == round)
      fixture.clock.advance(by: 10)
    }
  }

  @Test func `twenty simultaneous clients of an absent tag share one request`() async {
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<20 { group.addTask { await fixture.send(.get, "/v2/o/a/manifests/v1").status } }
      for await status in group { #expect(status == 404) }
    }
    #expect(registry.log.count == 1)
  }

  /// The response of Docker Hub for content that does not exist.
  @Test(arguments: 0..<3, [HTTPRequest.Method.get, .head])
  func `a 401 to any token costs a few requests, not a few for each client`(
    _ index: Int,
    _ method: HTTPRequest.Method
  ) async {
    registry.on("GET https://r.test/token?service=s&scope=repository%3Ao%2Fa%3Apull", .text(#"{"token":"t"}"#))
    let challenge = FakeResponse.challenge(#"Bearer realm="https://r.test/token",service="s""#)
    registry.on("GET https://r.test\(targets[index])", challenge)
    for _ in 0..<20 { #expect(await fixture.send(method, targets[index]).status == 404) }
    #expect(registry.log.count <= 9)
    fixture.clock.advance(by: 10)
    let count = registry.log.count
    for _ in 0..<20 { #expect(await fixture.send(method, targets[index]).status == 404) }
    #expect(registry.log.count <= count + 5)
  }

  @Test func `content that was stored meanwhile is served`() async throws {
    for target in targets { #expect(await fixture.send(.get, target).status == 404) }
    let (repository, type) = (try Values.repository("r.test", "o/a"), try Values.mediaType(ManifestHandlerTests.index))
    let manifest = try StoredImages(store: fixture.store).addManifest(of: [], to: repository)
    let record = TagRecord(digest: manifest, mediaType: type, size: 2, checkedAt: fixture.clock.now, etag: nil)
    try fixture.store.keep(record, of: Values.tag("v1"), in: repository)
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.dockerContentDigest] == manifest.description)
    try fixture.store.keep(Self.bytes, as: digest)
    try fixture.store.link(digest, in: repository)
    #expect(await fixture.send(.get, targets[2]).headers[.xCache] == "HIT")
  }

  @Test func `other content, types, repositories and upstreams are requested`() async {
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1")
    for target in ["/v2/o/a/manifests/v2", "/v2/o/b/manifests/v1", "/v2/q.test/o/a/manifests/v1"] {
      _ = await fixture.send(.get, target)
    }
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1", [.accept: ManifestHandlerTests.index])
    #expect(registry.log.count == 5)
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1", [.accept: "\(ManifestHandlerTests.index);q=0.5"])
    #expect(registry.log.count == 5)
  }

  @Test func `a refused tag stays refused although a stale manifest is known`() async {
    publish("v1")
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").status == 200)
    fixture.clock.advance(by: 60)
    registry.on("GET \(Self.base)/manifests/v1", FakeResponse(404))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").status == 404)
    registry.fail("GET \(Self.base)/manifests/v1")
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").status == 404)
    fixture.clock.advance(by: 10)
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "STALE")
  }

  @Test func `a refused HEAD does not prevent a GET, and a successful GET lets HEAD be followed by GET`() async {
    let refused = FakeResponse(401, [.wwwAuthenticate: "Basic"])
    for tag in ["v1", "v2", "v3"] { registry.on("HEAD \(Self.base)/manifests/\(tag)", refused) }
    registry.on("GET \(Self.base)/manifests/v1", refused)
    // GET is refused too: for ten minutes HEAD alone decides.
    #expect(await fixture.send(.head, "/v2/o/a/manifests/v1").status == 404)
    for tag in ["v2", "v3"] { publish(tag) }
    #expect(await fixture.send(.head, "/v2/o/a/manifests/v2").status == 404)
    #expect(registry.count(of: "GET \(Self.base)/manifests/v2") == 0)
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v2").status == 200)
    #expect(await fixture.send(.head, "/v2/o/a/manifests/v2").status == 200)
    #expect(await fixture.send(.head, "/v2/o/a/manifests/v3").status == 200)
  }

  @Test(arguments: ["manifests", "blobs"])
  func `an upstream that refuses HEAD alone is sent a GET from the first time on`(_ kind: String) async throws {
    for number in 0..<5 {
      let text = #"{"schemaVersion":\#(number)}"#
      let path = "/v2/o/a/\(kind)/\(try Values.digest(of: text))"
      registry.on("HEAD https://r.test\(path)", FakeResponse(401, [.wwwAuthenticate: "Basic"]))
      // The first one is absent, which GET tells.
      if number > 0 {
        registry.on("GET https://r.test\(path)", .text(text, [.contentType: ManifestHandlerTests.index]))
      }
      let response = await fixture.send(.head, path)
      #expect(response.status == (number > 0 ? 200 : 404))
      if number > 0 { #expect(response.headers[.contentLength] == String(text.utf8.count)) }
    }
  }

  @Test func `a repository that refuses HEAD and GET is sent one GET only, unlike other repositories`() async throws {
    for number in 0..<20 {
      let target = "/v2/o/a/blobs/\(try Values.digest(of: "\(number)"))"
      registry.on("GET https://r.test\(target)", FakeResponse(401, [.wwwAuthenticate: "Basic"]))
      #expect(await fixture.send(.head, target).status == 404)
    }
    #expect(registry.log.count { $0.hasPrefix("GET") } == 1)
    let digest = try Values.digest(of: "other")
    registry.on("HEAD https://r.test/v2/o/b/blobs/\(digest)", FakeResponse(401, [.wwwAuthenticate: "Basic"]))
    registry.on("GET https://r.test/v2/o/b/blobs/\(digest)", FakeResponse(206, [.contentRange: "bytes 0-0/5"], [[111]]))
    #expect(await fixture.send(.head, "/v2/o/b/blobs/\(digest)").status == 200)
  }
}
