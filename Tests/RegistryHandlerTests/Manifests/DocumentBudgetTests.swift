internal import FoundationEssentials
internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Last row of the table "Errors" of `docs/request-handling.md`: more large documents than the memory may hold.
struct DocumentBudgetTests {
  private static let size = 1 << 20
  private static let manifest = "https://r.test/v2/o/a/manifests/v1"

  /// A proxy with room for one large document.
  private let fixture: ProxyFixture
  private let list: FakeResponse

  private var registry: FakeUpstream { fixture.registry }
  private var budget: ByteBudget { fixture.services.documents }

  init() throws {
    fixture = try ProxyFixture(maximumDocumentBytes: Self.size)
    let spaces = String(repeating: " ", count: Self.size - 2)
    list = FakeResponse(200, [.contentType: "application/json"], [Array("{\(spaces)}".utf8)])
    for n in 1...2 { registry.on("GET https://r.test/v2/o/a/tags/list?n=\(n)", list) }
  }

  private func isRefused(_ response: RegistryResponse) throws -> Bool {
    guard response.status == 503 else { return false }
    #expect(response.headers[.retryAfter] == "5")
    #expect(try ErrorDocument.item(of: response).code == "UNAVAILABLE")
    return true
  }

  @Test(arguments: [true, false])
  func `a list is refused while another client still has its own`(_ isAnnounced: Bool) async throws {
    var list = list
    list.isChunked = !isAnnounced
    registry.on("GET https://r.test/v2/o/a/tags/list?n=2", list)
    var first: RegistryResponse? = await fixture.send(.get, "/v2/o/a/tags/list?n=1")
    #expect(first?.status == 200)
    #expect(budget.usedBytes == Self.size - ByteBudget.uncounted)
    #expect(try isRefused(await fixture.send(.get, "/v2/o/a/tags/list?n=2")))
    first = nil
    try await eventually { budget.usedBytes == 0 }
    #expect(await fixture.send(.get, "/v2/o/a/tags/list?n=2").status == 200)
    try await eventually { budget.usedBytes == 0 }
  }

  @Test func `a manifest without room is refused or stale, unless it is small`() async throws {
    let large = #"{"schemaVersion":2,"x":"\#(String(repeating: "x", count: Self.size))"}"#
    let headers: HTTPFields = [.contentType: ManifestHandlerTests.index]
    registry.on("GET https://r.test/v2/o/b/manifests/v1", .text(large, headers))
    registry.on("GET \(Self.manifest)", .text(#"{"schemaVersion":2}"#, headers))
    let first = await fixture.send(.get, "/v2/o/a/tags/list?n=1")
    #expect(try isRefused(await fixture.send(.get, "/v2/o/b/manifests/v1")))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "MISS")
    registry.on("GET \(Self.manifest)", .text(large, headers))
    fixture.clock.advance(by: 60)
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "STALE")
    withExtendedLifetime(first) {}
  }

  @Test func `a large manifest that cannot be stored is counted until it is sent`() async throws {
    let large = #"{"schemaVersion":2,"x":"\#(String(repeating: "x", count: 500_000))"}"#
    registry.on("GET \(Self.manifest)", .text(large, [.contentType: ManifestHandlerTests.index]))
    try FileManager.default.removeItem(atPath: fixture.store.layout.root)
    try fixture.directory.write([], to: fixture.store.layout.root)
    var response: RegistryResponse? = await fixture.send(.get, "/v2/o/a/manifests/v1")
    #expect(response?.headers[.cacheStatus] == "regproxy; fwd=bypass; detail=not-kept")
    #expect(budget.usedBytes == large.utf8.count - ByteBudget.uncounted)
    response = nil
    try await eventually { budget.usedBytes == 0 }
  }

  @Test func `the metrics show the bytes in memory and the refused documents`() async throws {
    let first = await fixture.send(.get, "/v2/o/a/tags/list?n=1")
    _ = await fixture.send(.get, "/v2/o/a/tags/list?n=2")
    let metrics = await fixture.send(.get, "/_regproxy/metrics")
    let text = String(decoding: try await fixture.content(of: metrics), as: UTF8.self)
    #expect(text.contains("\nregproxy_document_bytes \(Self.size - ByteBudget.uncounted)\n"))
    #expect(text.contains("\nregproxy_documents_refused_total 1\n"))
    withExtendedLifetime(first) {}
  }
}
