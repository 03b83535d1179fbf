internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Stale manifests" and "Verification" of `docs/rules/manifests.md`, "Errors" of `docs/request-handling.md`.
struct ManifestFailureTests {
  /// A failure of upstream in place of a response.
  enum Failure: Sendable {
    case error(UpstreamError.Kind)
    case status(Int)

    func callAsFunction(_ request: UpstreamRequest) throws(UpstreamError) -> FakeResponse {
      switch self {
      case .error(let kind): throw UpstreamError(kind, "no")
      case .status(let status): FakeResponse(status)
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
  func `the last known manifest is served while upstream fails`(_ failure: Failure) async throws {
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
  func `a refusal is never replaced by the last known manifest`(
    _ status: Int,
    _ expected: Int,
    _ code: String
  ) async throws {
    await fetch()
    fixture.clock.advance(by: 3_600)
    registry.on("GET \(Self.url)", FakeResponse(status, status == 401 ? [.wwwAuthenticate: "Basic"] : [:]))
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response.status == expected)
    #expect(try ErrorDocument.item(of: response).code == code)
    #expect(response.headers[.xCache] == nil)
  }

  @Test(arguments: [
    (Failure.error(.unreachable), 502), (.error(.timeout), 504), (.status(500), 502), (.status(429), 429),
  ])
  func `a failure is returned after the time for stale manifests`(_ failure: Failure, _ status: Int) async {
    await fetch()
    fixture.clock.advance(by: 60 + 7 * 86_400)
    registry.on("GET \(Self.url)") { request throws(UpstreamError) in try failure(request) }
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").status == status)
  }

  @Test func `a rate limit is passed on without a stale manifest`() async throws {
    registry.on("GET \(Self.url)", FakeResponse(429, [.retryAfter: "17"]))
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
      FakeResponse(
        200,
        [.contentType: index],
        [Array("{".utf8), [UInt8](repeating: 0x20, count: 4 << 20), Array("}".utf8)]
      ),
      FakeResponse(307, [.location: "http://cdn.test/manifest"]),
    ] as [FakeResponse]
  )
  func `an invalid manifest gets 502 and is not stored`(_ upstreamResponse: FakeResponse) async throws {
    registry.on("GET \(Self.url)", upstreamResponse)
    let response = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response.status == 502)
    #expect(try ErrorDocument.item(of: response).code == "UNAVAILABLE")
    #expect(fixture.directory.files(below: fixture.store.layout.root).isEmpty)
  }

  @Test func `bytes of another digest than requested get 502 and are not stored`() async throws {
    let requested = try Values.digest(of: "{}")
    let headers: HTTPFields = [.contentType: Self.index, .dockerContentDigest: requested.description]
    registry.on("GET https://r.test/v2/o/a/manifests/\(requested)", .text("{ }", headers))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/\(requested)").status == 502)
    #expect(fixture.directory.files(below: fixture.store.layout.root).isEmpty)
  }

  @Test func `an invalid record of a tag counts as absent`() async throws {
    await fetch()
    let path = fixture.store.layout.tag(try Values.tag("v1"), in: try Values.repository("r.test", "o/a"))
    try fixture.directory.write(
      Array(#"{"digest":"../../etc","mediaType":"a/b","size":1,"checkedAt":1}"#.utf8),
      to: path
    )
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "MISS")
  }
}
