internal import Testing

@testable internal import RegistryHandler

/// Table "Names" of `docs/request-handling.md`: upstreams.
struct UpstreamNameTests {
  @Test(
    arguments: [
      "docker.io", "k8s.gcr.io", "localhost", "localhost:5000", "127.0.0.1:65535", "a", "0", "a-b.example",
      "xn--bcher-kva.example",
    ]
  )
  func `a host with an optional port is accepted`(_ text: String) throws {
    #expect(try #require(UpstreamName(text)).description == text)
  }

  @Test(
    arguments: [
      "", ".", "..", "-", ":", ":5000", "a:", "a:b", "a:123456", "a:1:2", "[::1]", "Docker.io", ".a", "a.", "a..b",
      "-a", "a-", "a_b", "a/b", "../a", "a b", "a%", "a\0b", "a\n", "\u{E4}.example",
      String(repeating: "a", count: 254),
    ]
  )
  func `a malformed name is rejected`(_ text: String) {
    #expect(UpstreamName(text) == nil)
  }

  @Test func `names are sorted as text`() throws {
    #expect(try #require(UpstreamName("a.b")) < #require(UpstreamName("b.a")))
  }
}
