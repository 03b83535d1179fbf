internal import HTTPTypes
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// A hit is repeated within its second without another look at the store.
struct RecentHitsTests {
  private static let manifest = #"{"schemaVersion":2}"#

  private let fixture: ProxyFixture
  private let small = Array("a small blob".utf8)
  private let large = [UInt8](repeating: 7, count: 100_000)

  init() throws {
    fixture = try ProxyFixture(remembersHits: true)
    for bytes in [small, large] {
      fixture.registry.on(
        "GET https://r.test/v2/o/a/blobs/\(try Values.digest(of: bytes))",
        FakeResponse(200, [:], [bytes])
      )
    }
    let headers: HTTPFields = [.contentType: ManifestHandlerTests.index]
    fixture.registry.on("GET https://r.test/v2/o/a/manifests/v1", .text(Self.manifest, headers))
  }

  /// Stores a blob, and returns the target of its requests.
  private func store(_ bytes: [UInt8]) async throws -> (target: String, digest: Digest) {
    let digest = try Values.digest(of: bytes)
    let target = "/v2/o/a/blobs/\(digest)"
    _ = try await fixture.content(of: await fixture.send(.get, target))
    while fixture.services.fills.count > 0 { await Task.yield() }
    return (target, digest)
  }

  private func isHit(_ response: RegistryResponse) -> Bool { response.headers[.xCache] == "HIT" }

  private func remove(_ digest: Digest) { fixture.store.fileSystem.remove(fixture.store.layout.blob(digest)) }

  @Test func `a blob is repeated until the second ends`() async throws {
    for bytes in [small, large] {
      let (target, digest) = try await store(bytes)
      let first = await fixture.send(.get, target)
      #expect(isHit(first))
      remove(digest)
      let repeated = await fixture.send(.get, target)
      #expect(isHit(repeated))
      #expect(repeated.headers == first.headers)
      #expect(repeated.summary.repository == first.summary.repository)
      // nginx does not find the file of the large one, and sends the request again.
      let again = await fixture.send(.get, target, isRetryAfterEviction: true)
      #expect(!isHit(again))
      _ = try await fixture.content(of: again)
      while fixture.services.fills.count > 0 { await Task.yield() }
      remove(digest)
      fixture.clock.advance(by: 1)
      #expect(await !isHit(fixture.send(.get, target)))
    }
  }

  @Test func `a tag is not repeated beyond its lifetime`() async throws {
    let target = "/v2/o/a/manifests/v1"
    _ = await fixture.send(.get, target)
    fixture.clock.advance(by: 59)
    for _ in 0..<3 { #expect(await fixture.send(.get, target).headers[.cacheStatus] == "regproxy; hit; detail=fresh") }
    fixture.clock.advance(by: 1)
    #expect(await fixture.send(.get, target).headers[.cacheStatus] != "regproxy; hit; detail=fresh")
  }

  @Test func `a clock that is set back brings no former hit back`() async throws {
    let monotonic = Observed<Int64>(0)
    let hits = RecentHits(now: { 5 }, monotonicNow: { monotonic.value })
    let key = try #require(RecentHits.Key(RegistryRequest(id: "1", method: .get, target: "/v2/", host: "h")))
    var response = RegistryResponse(status: 200)
    response.isRepeatable = true
    #expect(hits.response(for: key) == nil)
    hits.insert(response, for: key, decidedAt: hits.currentSecond)
    #expect(hits.response(for: key)?.status == 200)
    monotonic.update { $0 = 7 }
    #expect(hits.response(for: key) == nil)
  }

  @Test func `a response that took longer than its second is not repeated`() throws {
    let monotonic = Observed<Int64>(0)
    let hits = RecentHits(now: { 5 }, monotonicNow: { monotonic.value })
    let key = try #require(RecentHits.Key(RegistryRequest(id: "1", method: .get, target: "/v2/", host: "h")))
    var response = RegistryResponse(status: 200)
    response.isRepeatable = true
    let before = hits.currentSecond
    monotonic.update { $0 = 1 }
    #expect(hits.response(for: key) == nil)
    hits.insert(response, for: key, decidedAt: before)
    #expect(hits.response(for: key) == nil)
  }

  @Test func `the memory of repeated hits is bounded, with their keys`() throws {
    let hits = RecentHits(now: { 5 }, monotonicNow: { 0 })
    var response = RegistryResponse(status: 200, body: .bytes([UInt8](repeating: 1, count: 30_000)))
    response.isRepeatable = true
    var kept = 0
    for number in 0..<1000 {
      let request = RegistryRequest(id: "1", method: .get, target: "/v2/?\(number)", host: "h")
      let key = try #require(RecentHits.Key(request))
      _ = hits.response(for: key)
      hits.insert(response, for: key, decidedAt: hits.currentSecond)
      if hits.response(for: key) != nil { kept += 1 }
    }
    #expect(kept > 300 && kept * 30_000 <= 16 << 20)
    let long = RegistryRequest(id: "1", method: .get, target: "/" + String(repeating: "a", count: 3000), host: "h")
    #expect(RecentHits.Key(long) == nil)
    hits.removeAll()
    let first = try #require(RecentHits.Key(RegistryRequest(id: "1", method: .get, target: "/v2/?0", host: "h")))
    #expect(hits.response(for: first) == nil)
  }

  @Test func `every repeated hit is counted`() async throws {
    let (target, _) = try await store(small)
    for _ in 0..<5 { _ = await fixture.send(.get, target) }
    let hits = fixture.services.counters.snapshot.filter { $0.key.cache == .hit && $0.key.kind == .blob }
    #expect(hits.values.reduce(0, +) == 5)
  }

  /// Requests that differ from the first, whose response would be wrong for them.
  @Test(
    arguments: [
      (.head, "/v2/o/a/blobs/", [:]), (.get, "/v2/o/a/blobs/", [.range: "bytes=0-0"]),
      (.get, "/v2/o/a/blobs/", [.via: "1.1 x"]), (.get, "/v2/o/a/blobs/", [.ifNoneMatch: "x"]),
      (.get, "/v2/o/b/blobs/", [:]), (.get, "/v2/q.test/o/a/blobs/", [:]),
    ] as [(HTTPRequest.Method, String, HTTPFields)]
  )
  func `only the same request gets the same response`(
    _ method: HTTPRequest.Method,
    _ prefix: String,
    _ headers: HTTPFields
  ) async throws {
    let (target, digest) = try await store(small)
    #expect(isHit(await fixture.send(.get, target)))
    remove(digest)
    #expect(await !isHit(fixture.send(method, "\(prefix)\(digest)", headers)))
  }

  @Test func `what upstream decided is not repeated`() async throws {
    let (target, _) = try await store(small)
    let elsewhere = target.replacing("/o/a/", with: "/o/b/")
    fixture.registry.on("HEAD https://r.test\(elsewhere)", FakeResponse(200, [.contentLength: "\(small.count)"], []))
    #expect(isHit(await fixture.send(.get, elsewhere)))
    #expect(isHit(await fixture.send(.get, elsewhere)))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/none").status == 404)
    fixture.registry.on(
      "GET https://r.test/v2/o/a/manifests/late",
      .text(Self.manifest, [.contentType: ManifestHandlerTests.index])
    )
    #expect(await fixture.send(.get, "/v2/o/a/manifests/late").headers[.xCache] == "MISS")
    #expect(await fixture.send(.get, "/v2/o/a/manifests/late").headers[.xCache] == "HIT")
  }

  @Test func `a repeated hit holds no share of a busy worker`() async throws {
    let fixture = try ProxyFixture(share: 1, remembersHits: true)
    let digest = try Values.digest(of: small)
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [:], [small]))
    _ = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    for _ in 0..<3 { #expect(isHit(await fixture.send(.get, "/v2/o/a/blobs/\(digest)", under: .high))) }
    #expect(isHit(await fixture.send(.get, "/v2/o/a/blobs/\(digest)", under: .full)))
  }
}
