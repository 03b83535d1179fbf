internal import Testing

@testable internal import RegistryHandler

struct HTTPURLResolutionTests {
  private static let base = "https://r.example:5000/v2/a/blobs/x?q=1"

  @Test(
    arguments: [
      ("https://s3.example/b?sig=a%2Fb", "https://s3.example/b?sig=a%2Fb"),
      ("http://s3.example", "http://s3.example/"),
      ("//cdn.example/b?c", "https://cdn.example/b?c"),
      ("//cdn.example:8443", "https://cdn.example:8443/"),
      ("/b", "https://r.example:5000/b"),
      ("/b?sig=%2f%2F+/../", "https://r.example:5000/b?sig=%2f%2F+/../"),
      ("y", "https://r.example:5000/v2/a/blobs/y"),
      ("y?z=1", "https://r.example:5000/v2/a/blobs/y?z=1"),
      ("?z=1", "https://r.example:5000/v2/a/blobs/x?z=1"),
      ("./y", "https://r.example:5000/v2/a/blobs/y"),
      ("../y", "https://r.example:5000/v2/a/y"),
      ("../../../../y", "https://r.example:5000/y"),
      ("/a/./b/../c", "https://r.example:5000/a/c"),
      ("/a/b/..", "https://r.example:5000/a/"),
      ("/a/b/.", "https://r.example:5000/a/b/"),
      ("..", "https://r.example:5000/v2/a/"),
      ("/a//b", "https://r.example:5000/a//b"),
      ("/a%2F..%2Fb", "https://r.example:5000/a%2F..%2Fb"),
      ("/a?u=https://evil.example/", "https://r.example:5000/a?u=https://evil.example/"),
      ("a/b:c", "https://r.example:5000/v2/a/blobs/a/b:c"),
    ]
  )
  func `a reference is resolved according to RFC 3986`(_ reference: String, _ expected: String) throws {
    let base = try #require(HTTPURL(Self.base))
    #expect(base.resolving(reference)?.description == expected)
  }

  @Test(
    arguments: [
      "", "#f", "/a#f", "//user@cdn.example/", "https://user:pw@cdn.example/", "//", "///a", "ftp://a/", "mailto:a@b",
      "javascript:alert(1)", "/a b", "/a\r\nSet-Cookie: x", "/a\0", "/\u{E4}", "https:/a", "https:a",
    ]
  )
  func `a reference to an unusable URL is rejected`(_ reference: String) throws {
    let base = try #require(HTTPURL(Self.base))
    #expect(base.resolving(reference) == nil)
  }
}
