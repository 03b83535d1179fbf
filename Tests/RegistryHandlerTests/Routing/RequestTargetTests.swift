internal import Testing

@testable internal import RegistryHandler

/// Table "The path" of `docs/request-handling.md`.
struct RequestTargetTests {
  @Test(
    arguments: [
      ("/", [""]),
      ("/v2/", ["v2", ""]),
      ("/v2", ["v2"]),
      ("/v2/a/b/manifests/latest", ["v2", "a", "b", "manifests", "latest"]),
      ("/v2/a/blobs/sha256:0", ["v2", "a", "blobs", "sha256:0"]),
      ("/v2/a.b:5000/x~!$&'()*+,=@[]", ["v2", "a.b:5000", "x~!$&'()*+,=@[]"]),
      ("/v2/...", ["v2", "..."]),
      ("/v2/a/?x=/../%2e%2e//", ["v2", "a", ""]),
      ("/?x", [""]),
    ]
  )
  func `a path is split and never decoded`(_ raw: String, _ segments: [String]) throws {
    #expect(try RequestTarget(raw).segments.map(String.init) == segments)
  }

  @Test(
    arguments: [
      "", "v2/", "*", "http://a.example/v2/", "//", "//v2/", "/v2//", "/v2//a", "/v2/a//manifests/x",
      "/.", "/..", "/./v2/", "/v2/.", "/v2/../etc/passwd", "/v2/a/..", "/v2/a/../b/manifests/x",
      "/v2/%2e%2e/a", "/v2/a%2Fb/manifests/x", "/v2/%", "/v2/%00", "/%76%32/", "/v2/a%252e",
      "/v2/a b", "/v2/a\t", "/v2/a\0", "/v2/a\r\nX: 1", "/v2/a\u{7F}", "/v2/\u{E4}", "/v2/a\u{301}",
      "/v2/a;b", "/v2/a\\..\\b", "/v2/a#f",
    ]
  )
  func `a path with a second spelling is rejected`(_ raw: String) {
    #expect {
      try RequestTarget(raw)
    } throws: { error in
      if case .malformedPath(raw, _)? = error as? RouteError { true } else { false }
    }
  }

  @Test(arguments: [("/v2/?a=%00", "a"), ("/v2/?a=%zz", "a"), ("/v2/?%ff=1", "%ff")])
  func `a malformed query is rejected`(_ raw: String, _ parameter: String) {
    #expect(throws: RouteError.malformedQuery(parameter)) { try RequestTarget(raw) }
  }
}
