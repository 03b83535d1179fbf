internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Row "401 with another challenge" of the table "Tokens" in `docs/rules/tokens.md`, for all content.
struct RefusedChallengeTests {
  /// A request for content, and the code of its 404.
  struct Content: Sendable {
    let path: String
    let code: String

    init(_ path: String, _ code: String) {
      self.path = path
      self.code = code
    }
  }

  private static let digest = "sha256:" + String(repeating: "0", count: 64)

  private static let contents = [
    Content("/v2/o/a/manifests/v1", "MANIFEST_UNKNOWN"),
    Content("/v2/o/a/manifests/\(digest)", "MANIFEST_UNKNOWN"),
    Content("/v2/o/a/blobs/\(digest)", "BLOB_UNKNOWN"),
    Content("/v2/o/a/tags/list", "NAME_UNKNOWN"),
    Content("/v2/o/a/referrers/\(digest)", "NAME_UNKNOWN"),
  ]

  private let fixture: ProxyFixture

  init() throws { fixture = try ProxyFixture() }

  @Test(
    arguments: [
      #"Basic realm="r""#, "", #"Bearer service="r""#, #"Bearer realm="/token""#, #"Bearer realm="ftp://r.test/""#,
      #"Bearer realm"#,
    ],
    contents
  )
  func `a 401 that no token resolves is a 404`(_ challenge: String, _ content: Content) async throws {
    let upstreamResponse = challenge.isEmpty ? FakeResponse(401) : .challenge(challenge)
    for method in [HTTPRequest.Method.get, .head] {
      fixture.registry.on("\(method) https://r.test\(content.path)", upstreamResponse)
    }
    for method in [HTTPRequest.Method.get, .head] {
      let response = await fixture.send(method, content.path)
      #expect(response.status == 404)
      #expect(response.headers[.wwwAuthenticate] == nil)
      #expect(try ErrorDocument.item(of: response).code == content.code)
    }
  }
}
