internal import RegistryHandler
internal import Testing

@testable internal import regproxy_fcgi

struct ConfigurationOverridesTests {
  private func parse(_ yaml: String, _ environment: [String: String] = [:]) throws -> Configuration {
    try Configuration(yaml: yaml, file: "test.yaml", environment: environment)
  }

  @Test func `a variable overrides the file`() throws {
    let configuration = try parse(
      "store: {directory: /tmp/a}\nthreads: {min: 4, max: 8}",
      ["REGPROXY_STORE_DIRECTORY": "/tmp/b", "REGPROXY_THREADS_MAX": "9", "REGPROXY_LISTEN": "/tmp/s", "HOME": "/"]
    )
    #expect(configuration.storeDirectory == "/tmp/b")
    #expect(configuration.threads == ThreadLimits(min: 4, max: 9))
    #expect(configuration.listen == .unix(path: "/tmp/s"))
  }

  @Test func `a variable for all upstreams does not override the keys of one upstream`() throws {
    let configuration = try parse(
      "defaults: {tag_ttl: 5m}\nupstreams:\n  ghcr.io: {tag_ttl: 9m, external_redirects: passthrough}",
      ["REGPROXY_DEFAULTS_TAG_TTL": "7m", "REGPROXY_DEFAULTS_EXTERNAL_REDIRECTS": "follow"]
    )
    let table = configuration.upstreamTable
    #expect(table.upstream(named: "quay.io")?.tagTTL == .seconds(420))
    #expect(table.upstream(named: "quay.io")?.redirects.mode == .follow)
    #expect(table.upstream(named: "ghcr.io")?.tagTTL == .seconds(540))
    #expect(table.upstream(named: "ghcr.io")?.redirects.mode == .passThrough)
  }

  @Test func `the error for an invalid variable names the variable`() {
    let error = #expect(throws: ConfigurationError.self) { try parse("", ["REGPROXY_LOG_LEVEL": "loud"]) }
    #expect(error?.file == "REGPROXY_LOG_LEVEL")
  }
}
