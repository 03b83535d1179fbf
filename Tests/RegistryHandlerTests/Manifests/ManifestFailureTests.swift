internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Manifests" and "Errors" of `docs/request-handling.md`: what upstream does wrong.
struct ManifestFailureTests {
  /// What upstream does instead of answering.
  enum Failure: Sendable {
    case error(UpstreamError.Kind)
    case status(Int)

    func callAsFunction(_ request: UpstreamRequest) throws(UpstreamError) -> FakeAnswer {
      switch self {
      case .error(let kind): throw UpstreamError(kind, "no")
      case .status(let status): FakeAnswer(status)
      }
    }
  }

  private static let index = ManifestHandlerTests.index
  private static let url = "https://r.test/v2/o/a/manifests/v1"

  private let fixture: ProxyFixture
  private let text = #"{"schemaVersion":2}"#

  private var registry: FakeUpstream { fixture.registry }

  init() throws { fixture = try ProxyFixture() }

  private func fetch() async {
    registry.on("GET \(Self.url)", .text(text, [.contentType: Self.index]))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "MISS")
  }

  @Test(
    arguments: [.error(.unreachable), .error(.timeout), .error(.invalidResponse), .error(.authentication)]
      + [429, 500, 502, 503, 504].map { .status($0) } as [Failure]
  )
  func `while upstream gives no answer, the last known one is served`(_ failure: Failure) async throws {
    await fetch()
    fixture.clock.advance(by: 3_600)
    registry.on("GET \(Self.url)") { request throws(UpstreamError) in try failure(request) }
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response.status == 200)
    #expect(response.headers[.xCache] == "STALE")
    #expect(response.headers[.warning]?.hasPrefix("299 ") == true)
    #expect(try await fixture.content(of: response) == Array(text.utf8))
  }

  @Test(arguments: [(401, 404, "MANIFEST_UNKNOWN"), (403, 403, "DENIED"), (404, 404, "MANIFEST_UNKNOWN")])
  func `what upstream refuses is never answered from what was known`(
    _ status: Int,
    _ answer: Int,
    _ code: String
  ) async throws {
    await fetch()
    fixture.clock.advance(by: 3_600)
    registry.on("GET \(Self.url)", FakeAnswer(status, status == 401 ? [.wwwAuthenticate: "Basic"] : [:]))
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response.status == answer)
    #expect(try ErrorDocument.item(of: response).code == code)
    #expect(response.headers[.xCache] == nil)
  }

  @Test(arguments: [
    (Failure.error(.unreachable), 502), (.error(.timeout), 504), (.status(500), 502), (.status(429), 429),
  ])
  func `after the time for stale answers the failure is told`(_ failure: Failure, _ status: Int) async {
    await fetch()
    fixture.clock.advance(by: 60 + 7 * 86_400)
    registry.on("GET \(Self.url)") { request throws(UpstreamError) in try failure(request) }
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").status == status)
  }

  @Test func `a rate limit is passed on when there is nothing stale`() async throws {
    registry.on("GET \(Self.url)", FakeAnswer(429, [.retryAfter: "17"]))
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response.status == 429)
    #expect(response.headers[.retryAfter] == "17")
    #expect(try ErrorDocument.item(of: response).code == "TOOMANYREQUESTS")
  }

  @Test(
    arguments: [
      .text("{}", [:]),
      .text("{}", [.contentType: "text/html"]),
      .text("<html>", [.contentType: index]),
      .text("[]", [.contentType: index]),
      .text("{", [.contentType: index]),
      .text(#"{"errors":[]}"#, [.contentType: "application/json"]),
      .text("", [.contentType: index]),
      .text("{}", [.contentType: index, .contentEncoding: "gzip"]),
      .text("{}", [.contentType: index, .dockerContentDigest: "sha256:" + String(repeating: "0", count: 64)]),
      FakeAnswer(
        200,
        [.contentType: index],
        [Array("{".utf8), [UInt8](repeating: 0x20, count: 4 << 20), Array("}".utf8)]
      ),
      FakeAnswer(307, [.location: "http://cdn.test/manifest"]),
    ] as [FakeAnswer]
  )
  func `what is no manifest is a 502 and not kept`(_ answer: FakeAnswer) async throws {
    registry.on("GET \(Self.url)", answer)
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response.status == 502)
    #expect(try ErrorDocument.item(of: response).code == "UNAVAILABLE")
    #expect(fixture.directory.files(below: fixture.store.layout.root).isEmpty)
  }

  @Test func `bytes of another digest than was asked for are a 502 and not kept`() async throws {
    let asked = try Values.digest(of: "{}")
    let headers: HTTPFields = [.contentType: Self.index, .dockerContentDigest: asked.description]
    registry.on("GET https://r.test/v2/o/a/manifests/\(asked)", .text("{ }", headers))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/\(asked)").status == 502)
    #expect(fixture.directory.files(below: fixture.store.layout.root).isEmpty)
  }

  @Test func `a garbage record of a tag reads as nothing`() async throws {
    await fetch()
    let path = fixture.store.layout.tag(try Values.tag("v1"), in: try Values.repository("r.test", "o/a"))
    try fixture.directory.write(
      Array(#"{"digest":"../../etc","mediaType":"a/b","size":1,"checkedAt":1}"#.utf8),
      to: path
    )
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "MISS")
  }
}
