internal import Testing

@testable internal import RegistryHandler

struct ProxyRulesTests {
  @Test(
    arguments: [
      ("http://p.test:3128", "http://p.test:3128", nil), ("p.test:3128", "http://p.test:3128", nil),
      ("http://p.test", "http://p.test:80", nil), ("http://p.test/", "http://p.test:80", nil),
      ("http://[fd00::1]:3128", "http://[fd00::1]:3128", nil),
      ("http://user:pass@p.test:3128", "http://p.test:3128", "Basic dXNlcjpwYXNz"),
      ("http://us%40er:p%3Aa%2Fss@p.test:3128", "http://p.test:3128", "Basic dXNAZXI6cDphL3Nz"),
      ("https://p.test", nil, nil), ("socks5://p.test", nil, nil), ("http://p.test/path", nil, nil), ("", nil, nil),
      ("http://:pass@p.test", nil, nil), ("http://a%3Ab:c@p.test", nil, nil), ("http://u%0a:c@p.test", nil, nil),
    ] as [(String, String?, String?)]
  )
  func `a proxy is a URL, whose credentials no description has`(
    _ text: String,
    _ description: String?,
    _ authorization: String?
  ) {
    let proxy = ForwardProxy(text)
    #expect(proxy?.description == description)
    #expect(proxy?.credentials?.authorization == authorization)
    #expect(!String(reflecting: proxy as Any).contains("pass"))
  }

  /// URLs, and whether the proxies of the usual variables are used.
  @Test(
    arguments: [
      ("https://r.test/", "", "s.test"), ("http://r.test/", "", "h.test"), ("https://r.test/", "r.test", nil),
      ("https://a.r.test/", "r.test", nil), ("https://a.r.test/", ".r.test", nil),
      ("https://a.r.test/", "*.r.test", nil),
      ("https://ar.test/", "r.test", "s.test"), ("https://r.test/", "x.test, r.test", nil),
      ("https://r.test/", "*", nil),
      ("https://r.test:444/", "r.test:443", "s.test"), ("https://r.test/", "r.test:443", nil),
      ("https://10.1.2.3/", "10.0.0.0/8", nil), ("https://11.1.2.3/", "10.0.0.0/8", "s.test"),
      ("https://10.1.2.3/", "10.1.2.3", nil), ("https://r.test/", "rubbish/here,,", "s.test"),
      ("http://localhost:5000/", "", nil), ("http://127.0.0.1:5000/", "", nil), ("http://[::1]:5000/", "", nil),
    ] as [(String, String, String?)]
  )
  func `the usual variables choose the proxy`(_ url: String, _ exceptions: String, _ proxy: String?) throws {
    let rules = ProxyRules(
      https: ForwardProxy("http://s.test:1"),
      http: ForwardProxy("http://h.test:1"),
      exceptions: exceptions
    )
    #expect(rules.proxy(for: try Values.url(url))?.host == proxy)
  }

  @Test func `a proxy that is written down for an upstream is used for everything`() throws {
    let rules = ProxyRules(try #require(ForwardProxy("http://p.test:1")))
    for url in ["https://r.test/", "http://r.test/", "http://127.0.0.1:1/"] {
      #expect(rules.proxy(for: try Values.url(url))?.host == "p.test")
      #expect(ProxyRules.direct.proxy(for: try Values.url(url)) == nil)
    }
  }
}
