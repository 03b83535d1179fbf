internal import Testing

@testable internal import RegistryHandler

struct HostPatternTests {
  @Test(
    arguments: [
      ("amazonaws.com", "https://s3.eu.amazonaws.com/", true),
      ("amazonaws.com", "https://amazonaws.com/", true),
      ("amazonaws.com", "https://S3.AmazonAWS.com:8443/", true),
      ("AmazonAWS.com", "https://s3.amazonaws.com/", true),
      ("amazonaws.com", "https://notamazonaws.com/", false),
      ("amazonaws.com", "https://amazonaws.com.example.net/", false),
      ("s3.amazonaws.com", "https://amazonaws.com/", false),
      ("amazonaws.com.", "https://s3.amazonaws.com/", true),
      ("amazonaws.com", "https://s3.amazonaws.com./", true),
      ("127.0.0.1:9000", "http://127.0.0.1:9000/", true),
      ("127.0.0.1:9000", "http://127.0.0.1:9001/", false),
      ("127.0.0.1", "http://127.0.0.1:9000/", true),
      ("127.0.0.1.", "http://[::ffff:7f00:1]/", true),
      ("0.0.1", "http://127.0.0.1/", false),
      ("a.example:443", "https://a.example/", true),
      ("a.example:443", "https://b.a.example/", true),
      ("a.example:80", "https://a.example/", false),
      ("[::1]:9000", "http://[::1]:9000/", true),
      ("[::1]", "http://[::2]/", false),
    ]
  )
  func `whole labels match at the end, an address matches itself`(
    _ pattern: String,
    _ url: String,
    _ matches: Bool
  ) throws {
    #expect(try #require(HostPattern(pattern)).matches(#require(HTTPURL(url))) == matches)
  }

  @Test(arguments: [
    "", ":80", "https://a.example", "a.example/", "a.example?x", "a b", "a@b", "a.example:x", "*.a", "#", ".",
    "..", ".a", "a..", "a..b",
  ])
  func `a malformed host is rejected`(_ text: String) {
    #expect(HostPattern(text) == nil)
  }

  @Test(arguments: ["a.example", "a.example:5000", "[::1]:80"])
  func `a pattern is described as written`(_ text: String) throws {
    #expect(try #require(HostPattern(text)).description == text)
  }
}
