internal import Testing

@testable internal import RegistryHandler

struct HTTPURLTests {
  struct Row: Sendable {
    let text: String
    let scheme: HTTPURL.Scheme
    let host: String
    let port: Int?
    let target: String
  }

  @Test(
    arguments: [
      Row(text: "https://a.example", scheme: .https, host: "a.example", port: nil, target: "/"),
      Row(text: "http://a.example/", scheme: .http, host: "a.example", port: nil, target: "/"),
      Row(text: "HTTPS://A.Example/B", scheme: .https, host: "a.example", port: nil, target: "/B"),
      Row(text: "https://a.example:5000/v2/", scheme: .https, host: "a.example", port: 5000, target: "/v2/"),
      Row(text: "https://a.example:/", scheme: .https, host: "a.example", port: nil, target: "/"),
      Row(text: "https://a.example./", scheme: .https, host: "a.example.", port: nil, target: "/"),
      Row(text: "https://a.example?x=1", scheme: .https, host: "a.example", port: nil, target: "/?x=1"),
      Row(text: "http://127.0.0.1:9000/b", scheme: .http, host: "127.0.0.1", port: 9000, target: "/b"),
      Row(text: "http://[::1]:5000/b", scheme: .http, host: "[::1]", port: 5000, target: "/b"),
      Row(text: "http://[FE80::1]", scheme: .http, host: "[fe80::1]", port: nil, target: "/"),
      Row(
        text: "https://s3.example/b%2Fc?X-Sig=a%2Bb+c/d%3D&e=%e4",
        scheme: .https,
        host: "s3.example",
        port: nil,
        target: "/b%2Fc?X-Sig=a%2Bb+c/d%3D&e=%e4"
      ),
      Row(text: "https://a/../b//c/./?/../", scheme: .https, host: "a", port: nil, target: "/../b//c/./?/../"),
    ]
  )
  func `a URL preserves its path and query byte for byte`(_ row: Row) throws {
    let url = try #require(HTTPURL(row.text))
    #expect(url.scheme == row.scheme)
    #expect(url.host == row.host)
    #expect(url.port == row.port)
    #expect(url.target == row.target)
    #expect(HTTPURL(url.description) == url)
  }

  @Test(
    arguments: [
      "", "a.example", "//a.example/", "/v2/", "ftp://a.example/", "file:///etc/passwd", "unix:///run/x.sock",
      "javascript:alert(1)", "gopher://a.example", "https:a.example", "https:/a.example", "https://", "https:///b",
      "https://:443/", "https://a.example:0/", "https://a.example:65536/", "https://a.example:99999999999999999999/",
      "https://a.example:-1/", "https://a.example:8o/", "https://user@a.example/", "https://user:pw@a.example/",
      "https://a.example@b.example/", "https://a.example/#f", "https://a.example#f", "https://a.example/?q#f",
      "https://a.example/ b", "https://a.example/\t", "https://a.example/\r\nX: 1", "https://a.example/\0",
      "https://a.example/\u{7F}", "https://\u{E4}.example/", "https://a.example/\u{E4}", "https://a%2eb/",
      "https://[::1", "https://[]/", "https://[::1]x/", "https://[a.example]/", "https://[fe80::1%25eth0]/",
      "https://a.example\\b/", "https://a,b/", " https://a.example/", "https://./", "https://.a.example/",
      "https://a..example/", "https://a.example../",
    ]
  )
  func `user information, fragments, control bytes and other schemes are rejected`(_ text: String) {
    #expect(HTTPURL(text) == nil)
  }

  @Test(
    arguments: [
      ("https://a.example/x", "https://a.example:443/y", true),
      ("http://a.example/x", "http://A.EXAMPLE:80", true),
      ("https://a.example", "http://a.example", false),
      ("https://a.example", "https://a.example:8443", false),
      ("https://a.example", "https://b.a.example", false),
      ("http://a.example:443", "https://a.example:443", false),
    ]
  )
  func `an origin is scheme, host and port`(_ left: String, _ right: String, _ isSame: Bool) throws {
    #expect(try #require(HTTPURL(left)).isSameOrigin(as: #require(HTTPURL(right))) == isSame)
  }

  @Test func `a redacted URL has no query`() throws {
    let url = try #require(HTTPURL("https://s3.example:444/b?X-Amz-Signature=secret"))
    #expect(url.redacted == "https://s3.example:444/b")
    #expect(url.path == "/b")
    #expect(url.origin == "https://s3.example:444")
    #expect(url.effectivePort == 444)
  }
}
