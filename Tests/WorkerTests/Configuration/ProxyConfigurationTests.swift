internal import RegistryHandler
internal import Testing

@testable internal import regproxy_fcgi

struct ProxyConfigurationTests {
  private func proxy(_ yaml: String, _ environment: [String: String], of name: String = "r.test") throws -> String? {
    let configuration = try Configuration(yaml: yaml, file: "test.yaml", environment: environment)
    let upstream = try #require(configuration.upstreams.first { $0.name.description == name })
    return upstream.proxies.proxy(for: upstream.endpoints[0])?.host
  }

  @Test func `the key of an upstream wins over the defaults, and those over the variables`() throws {
    let variables = ["HTTPS_PROXY": "http://v.test:1", "NO_PROXY": "ghcr.io"]
    #expect(try proxy("upstreams: {r.test: {}}", variables) == "v.test")
    #expect(try proxy("", variables, of: "ghcr.io") == nil)
    #expect(try proxy("", variables, of: "quay.io") == "v.test")
    let defaults = "defaults: {proxy: 'http://d.test:1'}\n"
    #expect(try proxy(defaults + "upstreams: {r.test: {}}", variables) == "d.test")
    #expect(try proxy(defaults, variables, of: "ghcr.io") == "d.test")
    #expect(try proxy(defaults + "upstreams: {r.test: {proxy: 'u.test:1'}}", variables) == "u.test")
    #expect(try proxy(defaults + "upstreams: {r.test: {proxy: direct}}", variables) == nil)
    #expect(try proxy("upstreams: {r.test: {}}", ["HTTPS_PROXY": "x.test", "https_proxy": "y.test"]) == "y.test")
    #expect(try proxy("upstreams: {r.test: {}}", ["HTTPS_PROXY": ""]) == nil)
  }

  @Test func `a wrong proxy is an error that shows no credential`() {
    for (yaml, environment) in [
      ("defaults: {proxy: 'https://user:planted@x.test'}", [:]),
      ("", ["HTTPS_PROXY": "https://user:planted@x.test"]),
    ] as [(String, [String: String])] {
      let error = #expect(throws: ConfigurationError.self) {
        try Configuration(yaml: yaml, file: "test.yaml", environment: environment)
      }
      #expect(error?.description.contains("http://proxy.example.com:3128") == true)
      #expect(error?.description.contains("planted") == false)
    }
  }
}
