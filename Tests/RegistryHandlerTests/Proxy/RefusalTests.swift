internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Errors" of `docs/request-handling.md`: upstream is not asked again and again for what it refuses.
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
  func `twenty clients of what is absent are one question in ten seconds`(_ index: Int) async throws {
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

  @Test func `twenty clients of an absent tag at the same time are one question`() async {
    await withTaskGroup(of: Int.self) { group in
      for _ in 0..<20 { group.addTask { await fixture.send(.get, "/v2/o/a/manifests/v1").status } }
      for await status in group { #expect(status == 404) }
    }
    #expect(registry.log.count == 1)
  }

  /// Docker Hub answers so for what does not exist.
  @Test(arguments: 0..<3, [HTTPRequest.Method.get, .head])
  func `a 401 whatever the token costs a few requests, not a few for each client`(
    _ index: Int,
    _ method: HTTPRequest.Method
  ) async {
    registry.on("GET https://r.test/token?service=s&scope=repository%3Ao%2Fa%3Apull", .text(#"{"token":"t"}"#))
    let challenge = FakeAnswer.challenge(#"Bearer realm="https://r.test/token",service="s""#)
    registry.on("GET https://r.test\(targets[index])", challenge)
    for _ in 0..<20 { #expect(await fixture.send(method, targets[index]).status == 404) }
    #expect(registry.log.count <= 9)
    fixture.clock.advance(by: 10)
    let count = registry.log.count
    for _ in 0..<20 { #expect(await fixture.send(method, targets[index]).status == 404) }
    #expect(registry.log.count <= count + 5)
  }

  @Test func `what is stored meanwhile is served`() async throws {
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

  @Test func `other content, other types and other places are asked for`() async {
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1")
    for target in ["/v2/o/a/manifests/v2", "/v2/o/b/manifests/v1", "/v2/q.test/o/a/manifests/v1"] {
      _ = await fixture.send(.get, target)
    }
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1", [.accept: ManifestHandlerTests.index])
    #expect(registry.log.count == 5)
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1", [.accept: "\(ManifestHandlerTests.index);q=0.5"])
    #expect(registry.log.count == 5)
  }

  @Test func `a tag that was refused is refused although an old answer is known`() async {
    publish("v1")
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").status == 200)
    fixture.clock.advance(by: 60)
    registry.on("GET \(Self.base)/manifests/v1", FakeAnswer(404))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").status == 404)
    registry.fail("GET \(Self.base)/manifests/v1")
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").status == 404)
    fixture.clock.advance(by: 10)
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "STALE")
  }

  @Test func `a HEAD that is refused keeps no GET away, and that teaches HEAD to ask by GET`() async {
    let refused = FakeAnswer(401, [.wwwAuthenticate: "Basic"])
    for tag in ["v1", "v2", "v3"] { registry.on("HEAD \(Self.base)/manifests/\(tag)", refused) }
    registry.on("GET \(Self.base)/manifests/v1", refused)
    // Neither is there: for an hour HEAD alone decides.
    #expect(await fixture.send(.head, "/v2/o/a/manifests/v1").status == 404)
    for tag in ["v2", "v3"] { publish(tag) }
    #expect(await fixture.send(.head, "/v2/o/a/manifests/v2").status == 404)
    #expect(registry.count(of: "GET \(Self.base)/manifests/v2") == 0)
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v2").status == 200)
    #expect(await fixture.send(.head, "/v2/o/a/manifests/v2").status == 200)
    #expect(await fixture.send(.head, "/v2/o/a/manifests/v3").status == 200)
  }

  @Test(arguments: ["manifests", "blobs"])
  func `an upstream that refuses HEAD alone is asked by GET from the first time on`(_ kind: String) async throws {
    for number in 0..<5 {
      let text = #"{"schemaVersion":\#(number)}"#
      let path = "/v2/o/a/\(kind)/\(try Values.digest(of: text))"
      registry.on("HEAD https://r.test\(path)", FakeAnswer(401, [.wwwAuthenticate: "Basic"]))
      // The first is absent, which GET tells.
      if number > 0 {
        registry.on("GET https://r.test\(path)", .text(text, [.contentType: ManifestHandlerTests.index]))
      }
      let response = await fixture.send(.head, path)
      #expect(response.status == (number > 0 ? 200 : 404))
      if number > 0 { #expect(response.headers[.contentLength] == String(text.utf8.count)) }
    }
  }

  @Test func `a repository that refuses both is asked for blobs by GET once, others still are`() async throws {
    for number in 0..<20 {
      let target = "/v2/o/a/blobs/\(try Values.digest(of: "\(number)"))"
      registry.on("GET https://r.test\(target)", FakeAnswer(401, [.wwwAuthenticate: "Basic"]))
      #expect(await fixture.send(.head, target).status == 404)
    }
    #expect(registry.log.count { $0.hasPrefix("GET") } == 1)
    let digest = try Values.digest(of: "other")
    registry.on("HEAD https://r.test/v2/o/b/blobs/\(digest)", FakeAnswer(401, [.wwwAuthenticate: "Basic"]))
    registry.on("GET https://r.test/v2/o/b/blobs/\(digest)", FakeAnswer(206, [.contentRange: "bytes 0-0/5"], [[111]]))
    #expect(await fixture.send(.head, "/v2/o/b/blobs/\(digest)").status == 200)
  }
}
