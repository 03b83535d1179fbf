internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Look-up" and "Records of tags" of `docs/rules/manifests.md`: clients that accept types upstream lacks.
struct ManifestFormTests {
  private static let oci = "application/vnd.oci.image.manifest.v1+json"
  private static let docker = "application/vnd.docker.distribution.manifest.v2+json"
  private static let url = "https://r.test/v2/o/a/manifests/v1"

  private let fixture: ProxyFixture

  private var registry: FakeUpstream { fixture.registry }
  private var gets: Int { registry.requests.count { $0.method == .get } }

  init() throws { fixture = try ProxyFixture { $0.tagTTL = .seconds(3600) } }

  /// Publishes the tag in each of the types; upstream sends the first one that is accepted, else the first of all.
  private func publish(_ types: [String], _ suffix: String = "") throws {
    let responses = try types.map { type in
      let text = #"{"schemaVersion":2,"mediaType":"\#(type)\#(suffix)"}"#
      let digest = try Values.digest(of: text).description
      let response = FakeResponse.text(text, [.contentType: type, .dockerContentDigest: digest])
      registry.on("GET https://r.test/v2/o/a/manifests/\(digest)", response)
      return (type, response)
    }
    registry.on("GET \(Self.url)") { request throws(UpstreamError) in
      let accepted = request.headers[.accept] ?? ""
      return (responses.first { accepted.contains($0.0) } ?? responses[0]).1
    }
  }

  private func get(_ accept: String, _ method: HTTPRequest.Method = .get) async -> RegistryResponse {
    await fixture.send(method, "/v2/o/a/manifests/v1", [.accept: accept])
  }

  @Test(arguments: ["application/json", docker, "text/html, application/json"])
  func `an Accept that never matches is sent upstream once`(_ accept: String) async throws {
    try publish([Self.oci])
    for number in 0..<10 {
      let response = await get(accept)
      #expect(response.headers[.contentType] == Self.oci)
      #expect(response.headers[.xCache] == (number == 0 ? "MISS" : "HIT"))
    }
    #expect(await get(accept, .head).headers[.xCache] == "HIT")
    #expect(registry.log == ["GET \(Self.url)"])
  }

  @Test func `an Accept that never matches costs no download of a stored manifest`() async throws {
    try publish([Self.oci])
    #expect(await get(Self.oci).headers[.xCache] == "MISS")
    for number in 0..<5 {
      let accept = "application/x\(number)"
      #expect(await get(accept).headers[.cacheStatus] == "regproxy; hit; detail=revalidated")
      #expect(await get(accept).headers[.cacheStatus] == "regproxy; hit; detail=fresh")
    }
    #expect(gets == 1)
    #expect(registry.log.count == 6)
  }

  @Test func `two clients that accept a type each do not replace each other's manifest`() async throws {
    try publish([Self.oci, Self.docker])
    for number in 0..<5 {
      for type in [Self.oci, Self.docker] {
        let response = await get(type)
        #expect(response.headers[.contentType] == type)
        #expect(response.headers[.xCache] == (number == 0 ? "MISS" : "HIT"))
      }
    }
    #expect(gets == 2)
    #expect(registry.log.count == 3)
  }

  @Test func `a record of exact types is renewed by HEAD, and follows its tag`() async throws {
    try publish([Self.oci])
    let first = await get("application/json")
    fixture.clock.advance(by: 3600)
    #expect(await get("application/json").headers[.cacheStatus] == "regproxy; hit; detail=revalidated")
    #expect(gets == 1)
    try publish([Self.oci], "+moved")
    #expect(await get("application/json").headers[.xCache] == "HIT")
    fixture.clock.advance(by: 3600)
    let moved = await get("application/json")
    #expect(moved.headers[.xCache] == "MISS")
    #expect(moved.headers[.dockerContentDigest] != first.headers[.dockerContentDigest])
    #expect(gets == 2)
    registry.fail("GET \(Self.url)")
    fixture.clock.advance(by: 3600)
    let stale = await get("application/json")
    #expect(stale.headers[.xCache] == "STALE")
    #expect(stale.headers[.dockerContentDigest] == moved.headers[.dockerContentDigest])
  }

  @Test func `the last known manifest is served stale, whatever its type`() async throws {
    try publish([Self.docker])
    #expect(await get(Self.docker).headers[.contentType] == Self.docker)
    fixture.clock.advance(by: 3600)
    try publish([Self.oci])
    #expect(await get(Self.docker).headers[.contentType] == Self.oci)
    registry.fail("GET \(Self.url)")
    fixture.clock.advance(by: 3600)
    let stale = await get(Self.docker)
    #expect(stale.headers[.xCache] == "STALE")
    #expect(stale.headers[.contentType] == Self.oci)
  }

  @Test func `a digest is fetched once, whatever the client accepts`() async throws {
    try publish([Self.oci])
    let digest = try #require(await get(Self.oci, .head).headers[.dockerContentDigest])
    for _ in 0..<10 {
      let response = await fixture.send(.get, "/v2/o/a/manifests/\(digest)", [.accept: "application/json"])
      #expect(response.headers[.contentType] == Self.oci)
    }
    #expect(gets == 1)
  }

  @Test func `the recorded sets of types are limited in number`() async throws {
    try publish([Self.oci])
    for number in 0..<30 {
      fixture.clock.advance(by: 1)
      #expect(await get("application/x\(number)").status == 200)
    }
    let (repository, tag) = (try Values.repository("r.test", "o/a"), try Values.tag("v1"))
    #expect(fixture.store.tagRecords(in: repository).count == Store.maximumExactRecords)
    // The last ones stay.
    for number in 22..<30 {
      let variant = try #require(AcceptHeader("application/x\(number)").exactVariant)
      #expect(try fixture.store.tag(tag, variant, in: repository) != nil)
    }
    // However many sets a client invents.
    #expect(gets == 1)
  }
}
