internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Lists" of `docs/request-handling.md`.
struct ListHandlerTests {
  private static let tags = "https://r.test/v2/o/a/tags/list"

  private let fixture: ProxyFixture
  private let list = #"{"name":"o/a","tags":["a","b"]}"#

  private var registry: FakeUpstream { fixture.registry }

  init() throws { fixture = try ProxyFixture() }

  @Test(arguments: ["", #"{"name":"o/a","tags":["a","#, #"["a"]"#])
  func `a list that is cut off is an error`(_ text: String) async throws {
    var upstreamResponse = FakeResponse.text(text, [.contentType: "application/json"])
    upstreamResponse.isChunked = true
    registry.on("GET \(Self.tags)", upstreamResponse)
    #expect(await fixture.send(.get, "/v2/o/a/tags/list").status == 502)
  }

  @Test(
    arguments: [
      ("/v2/o/a/tags/list?n=2", "/v2/o/a/tags/list?n=2&last=b"),
      ("/v2/r.test/o/a/tags/list?n=2", "/v2/r.test/o/a/tags/list?n=2&last=b"),
      ("/r.test/v2/o/a/tags/list?n=2", "/r.test/v2/o/a/tags/list?n=2&last=b"),
      ("/v2/o/a/tags/list?n=2&ns=r.test", "/v2/o/a/tags/list?n=2&last=b&ns=r.test"),
    ]
  )
  func `a tag list is upstream's, and its link leads back to the proxy`(_ target: String, _ next: String) async throws {
    let headers: HTTPFields = [
      .contentType: "application/json; charset=utf-8", .link: #"</v2/o/a/tags/list?n=2&last=b>; rel="next""#,
      .setCookie: "a=b", .server: "s",
    ]
    registry.on("GET \(Self.tags)?n=2", .text(list, headers))
    let response = await fixture.send(.get, target)
    #expect(response.status == 200)
    #expect(response.headers[.contentType] == "application/json")
    #expect(response.headers[.link] == #"<\#(next)>; rel="next""#)
    #expect(response.headers[.cacheControl] == "no-store")
    #expect(response.headers[.xCache] == "BYPASS")
    #expect(response.headers[.setCookie] == nil)
    #expect(response.headers[.server] == nil)
    #expect(try await fixture.content(of: response) == Array(list.utf8))
  }

  @Test func `only n and last are sent upstream`() async {
    _ = await fixture.send(.get, "/v2/o/a/tags/list?last=x%26y&n=5&x=1&ns=r.test")
    #expect(registry.log == ["GET \(Self.tags)?n=5&last=x%26y"])
  }

  @Test func `the last page has no link`() async {
    registry.on("GET \(Self.tags)", .text(list, [.contentType: "application/json"]))
    #expect(await fixture.send(.get, "/v2/o/a/tags/list").headers[.link] == nil)
  }

  @Test(
    arguments: [
      FakeResponse.text("<html>", [.contentType: "text/html"]),
      .text("{}"),
      .text("{}", [.contentType: "application/json", .contentEncoding: "gzip"]),
      FakeResponse(200, [.contentType: "application/json"], [[UInt8](repeating: 0x20, count: (4 << 20) + 1)]),
      FakeResponse(307, [.location: "http://cdn.test/list"]),
    ]
  )
  func `an invalid list gets 502`(_ upstreamResponse: FakeResponse) async {
    registry.on("GET \(Self.tags)", upstreamResponse)
    #expect(await fixture.send(.get, "/v2/o/a/tags/list").status == 502)
  }

  @Test(arguments: [
    (404, 404, "NAME_UNKNOWN"), (401, 404, "NAME_UNKNOWN"), (403, 403, "DENIED"), (500, 502, "UNAVAILABLE"),
  ])
  func `a refusal is returned`(_ upstream: Int, _ status: Int, _ code: String) async throws {
    registry.on("GET \(Self.tags)", FakeResponse(upstream, upstream == 401 ? [.wwwAuthenticate: "Basic"] : [:]))
    let response = await fixture.send(.get, "/v2/o/a/tags/list")
    #expect(response.status == status)
    #expect(try ErrorDocument.item(of: response).code == code)
  }

  @Test func `twenty simultaneous clients share one request, and each gets its own link`() async throws {
    let gate = Observed(0)
    var upstreamResponse = FakeResponse.text(
      list,
      [.contentType: "application/json", .link: #"<?last=b>; rel="next""#]
    )
    upstreamResponse.gate = gate
    registry.on("GET \(Self.tags)", upstreamResponse)
    try await withThrowingTaskGroup(of: RegistryResponse.self) { group in
      for _ in 0..<10 {
        group.addTask { await fixture.send(.get, "/v2/o/a/tags/list") }
        group.addTask { await fixture.send(.get, "/r.test/v2/o/a/tags/list") }
      }
      while fixture.services.lists.flights.waiterCount < 20 { await Task.yield() }
      gate.update { $0 = .max }
      var links: [String: Int] = [:]
      for try await response in group {
        #expect(try await fixture.content(of: response) == Array(list.utf8))
        links[response.headers[.link] ?? "-", default: 0] += 1
      }
      let paths = ["/v2/o/a", "/r.test/v2/o/a"]
      #expect(links == Dictionary(uniqueKeysWithValues: paths.map { (#"<\#($0)/tags/list?last=b>; rel="next""#, 10) }))
    }
    #expect(registry.log.count == 1)
  }

  @Test func `requests for different lists are separate`() async throws {
    for target in ["/v2/o/a/tags/list?n=1", "/v2/o/a/tags/list?n=2", "/v2/o/b/tags/list", "/v2/q.test/o/a/tags/list"] {
      _ = await fixture.send(.get, target)
    }
    #expect(Set(registry.log).count == 4)
  }

  @Test func `a list of referrers is upstream's, with the applied filter`() async throws {
    let digest = try Values.digest(of: "{}")
    let index = "application/vnd.oci.image.index.v1+json"
    let url = "https://r.test/v2/o/a/referrers/\(digest)"
    registry.on(
      "GET \(url)?artifactType=a%2Fb",
      .text("{}", [.contentType: index, .ociFiltersApplied: "artifactType"])
    )
    let response = await fixture.send(.get, "/v2/o/a/referrers/\(digest)?artifactType=a/b")
    #expect(response.status == 200)
    #expect(response.headers[.contentType] == index)
    #expect(response.headers[.ociFiltersApplied] == "artifactType")
    #expect(await fixture.send(.get, "/v2/o/a/referrers/\(digest)").status == 404)
  }
}
