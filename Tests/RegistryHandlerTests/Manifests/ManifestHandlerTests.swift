internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Look-up" of `docs/rules/manifests.md`.
struct ManifestHandlerTests {
  static let index = "application/vnd.oci.image.index.v1+json"

  private let fixture: ProxyFixture
  private let text = #"{"schemaVersion":2}"#
  private let digest: Digest

  private var registry: FakeUpstream { fixture.registry }

  init() throws {
    fixture = try ProxyFixture()
    digest = try Values.digest(of: text)
    publish(text, digest)
  }

  private func publish(_ text: String, _ digest: Digest, type: String = index) {
    let response = FakeResponse.text(text, [.contentType: type, .dockerContentDigest: digest.description])
    registry.on("GET https://r.test/v2/o/a/manifests/v1", response)
    registry.on("GET https://r.test/v2/o/a/manifests/\(digest)", response)
  }

  @Test func `a tag is fetched, then served while it is fresh`() async throws {
    let miss = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(miss.status == 200)
    #expect(miss.headers[.xCache] == "MISS")
    fixture.clock.advance(by: 59)
    let hit = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(hit.status == 200)
    #expect(hit.headers[.xCache] == "HIT")
    #expect(hit.headers[.cacheStatus] == "regproxy; hit; detail=fresh")
    #expect(hit.headers[.contentType] == Self.index)
    #expect(hit.headers[.dockerContentDigest] == digest.description)
    #expect(hit.headers[.contentLength] == String(text.utf8.count))
    for response in [miss, hit] { #expect(try await fixture.content(of: response) == Array(text.utf8)) }
    #expect(registry.log == ["GET https://r.test/v2/o/a/manifests/v1"])
  }

  @Test func `a digest is fetched once and served forever`() async throws {
    #expect(await fixture.send(.get, "/v2/o/a/manifests/\(digest)").headers[.xCache] == "MISS")
    fixture.clock.advance(by: 1_000_000_000)
    registry.fail("GET https://r.test/v2/o/a/manifests/\(digest)")
    let hit = await fixture.send(.get, "/v2/o/a/manifests/\(digest)")
    #expect(hit.headers[.cacheStatus] == "regproxy; hit; detail=stored")
    #expect(try await fixture.content(of: hit) == Array(text.utf8))
    #expect(registry.log.count == 1)
  }

  @Test func `a manifest fetched by tag is served by digest`() async {
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(await fixture.send(.get, "/v2/o/a/manifests/\(digest)").headers[.xCache] == "HIT")
    #expect(registry.log.count == 1)
  }

  @Test func `a digest stored for one repository is requested anew for another one`() async {
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(await fixture.send(.get, "/v2/o/b/manifests/\(digest)").status == 404)
    #expect(await fixture.send(.get, "/v2/q.test/o/a/manifests/\(digest)").status == 404)
  }

  @Test func `a HEAD is sent upstream as a HEAD`() async throws {
    let response = await fixture.send(.head, "/v2/o/a/manifests/v1")
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == String(text.utf8.count))
    #expect(response.headers[.contentType] == Self.index)
    #expect(response.headers[.dockerContentDigest] == digest.description)
    #expect(response.headers[.xCache] == "BYPASS")
    #expect(try await fixture.content(of: response).isEmpty)
    #expect(registry.log == ["HEAD https://r.test/v2/o/a/manifests/v1"])
  }

  @Test(arguments: [401, 405, 501])
  func `a registry that refuses HEAD is sent a GET`(_ status: Int) async throws {
    registry.on("HEAD https://r.test/v2/o/a/manifests/v1", FakeResponse(status))
    registry.on("GET https://r.test/v2/o/a/manifests/v1", .text("{}", [.contentType: Self.index]))
    let response = await fixture.send(.head, "/v2/o/a/manifests/v1")
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == "2")
    #expect(response.headers[.dockerContentDigest] == (try Values.digest(of: "{}").description))
  }

  @Test func `a HEAD of a digest is followed by a GET if upstream names another digest`() async throws {
    let named = try Values.digest(of: "other").description
    let other = FakeResponse.text(text, [.contentType: Self.index, .dockerContentDigest: named])
    registry.on("HEAD https://r.test/v2/o/a/manifests/\(digest)", other)
    let response = await fixture.send(.head, "/v2/o/a/manifests/\(digest)")
    #expect(response.status == 200)
    #expect(response.headers[.dockerContentDigest] == digest.description)
    #expect(registry.log.count == 2)
  }

  @Test func `a HEAD of a stored manifest has the headers of the GET`() async throws {
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1")
    let response = await fixture.send(.head, "/v2/o/a/manifests/v1")
    #expect(response.headers[.xCache] == "HIT")
    #expect(response.headers[.contentLength] == String(text.utf8.count))
    #expect(try await fixture.content(of: response).isEmpty)
  }

  @Test(arguments: [60, 500_000, -5])
  func `a tag that is no longer fresh is renewed by one HEAD`(_ seconds: Int64) async {
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1")
    fixture.clock.advance(by: seconds)
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response.headers[.cacheStatus] == "regproxy; hit; detail=revalidated")
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.cacheStatus] == "regproxy; hit; detail=fresh")
    #expect(registry.log.dropFirst() == ["HEAD https://r.test/v2/o/a/manifests/v1"])
  }

  @Test func `a tag that moved is fetched by its new digest`() async throws {
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1")
    let moved = #"{"schemaVersion":2,"new":true}"#
    let newDigest = try Values.digest(of: moved)
    publish(moved, newDigest)
    fixture.clock.advance(by: 60)
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response.headers[.xCache] == "MISS")
    #expect(response.headers[.dockerContentDigest] == newDigest.description)
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "HIT")
    #expect(
      registry.log.dropFirst() == [
        "HEAD https://r.test/v2/o/a/manifests/v1", "GET https://r.test/v2/o/a/manifests/\(newDigest)",
      ]
    )
  }

  @Test func `a repository of one component is requested in library`() async {
    _ = await fixture.send(.get, "/v2/alpine/manifests/v1")
    #expect(registry.log == ["GET https://r.test/v2/library/alpine/manifests/v1"])
  }

  @Test func `the client's Accept is sent upstream`() async throws {
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1", [.accept: Self.index])
    let single = "application/vnd.oci.image.manifest.v1+json"
    let other = #"{"single":true}"#
    publish(other, try Values.digest(of: other), type: single)
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1", [.accept: single])
    #expect(response.headers[.contentType] == single)
    // HEAD first, as the bytes may be stored.
    #expect(registry.requests.map { $0.headers[.accept] } == [Self.index, single, single])
    #expect(registry.requests.map(\.method) == [.get, .head, .get])
  }

  @Test func `a large manifest is sent from its file, fetched or stored`() async throws {
    let large = #"{"schemaVersion":2,"x":"\#(String(repeating: "x", count: 100_000))"}"#
    publish(large, try Values.digest(of: large))
    for cache in ["MISS", "HIT"] {
      let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
      #expect(response.headers[.xCache] == cache)
      #expect(response.headers[.contentLength] == String(large.utf8.count))
      guard case .stream = response.body else {
        Issue.record("\(cache): the response is not sent from a file")
        continue
      }
      #expect(try await fixture.content(of: response) == Array(large.utf8))
    }
    let head = await fixture.send(.head, "/v2/o/a/manifests/v1")
    #expect(head.headers[.contentLength] == String(large.utf8.count))
    #expect(try await fixture.content(of: head).isEmpty)
    try await eventually { fixture.services.documents.usedBytes == 0 }
  }

  @Test func `twenty simultaneous clients share one request`() async throws {
    await withTaskGroup(of: RegistryResponse.self) { group in
      for _ in 0..<20 { group.addTask { await fixture.send(.get, "/v2/o/a/manifests/v1") } }
      for await response in group { #expect(response.status == 200) }
    }
    #expect(registry.log.count == 1)
  }
}
