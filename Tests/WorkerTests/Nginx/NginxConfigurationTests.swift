internal import Testing

@testable internal import regproxy_fcgi

struct NginxConfigurationTests {
  private func nginx() throws -> NginxConfiguration {
    NginxConfiguration(configuration: try Configuration(yaml: "store: {directory: /s}\nlisten: /w", file: "test.yaml"))
  }

  @Test func `every form is complete, with no REGPROXY variable left`() throws {
    let nginx = try nginx()
    let forms = [
      try nginx.locations(keepsConnections: false),
      try nginx.server(.tls(certificate: "/c", key: "/k"), name: "_"),
      try nginx.standalone(.http(address: "127.0.0.1:1"), name: "_", prefix: "/p", user: nil),
      try nginx.upstream(),
    ]
    for form in forms { #expect(!form.contains("${REGPROXY_")) }
    #expect(forms[0].contains("fastcgi_pass unix:/w;"))
    #expect(forms[0].contains("alias /s/blobs/;"))
    #expect(forms[0].contains("location ^~ /ghcr.io/v2/ {"))
    #expect(!forms[0].contains("server {"))
    #expect(forms[1].contains("ssl_certificate /c;"))
    #expect(!forms[2].contains("ssl_certificate"))
    #expect(forms[3].contains("server unix:/w;"))
  }

  @Test(arguments: [("/run/a-b/w.sock", "regproxy_run_a_b_w_sock"), ("127.0.0.1:9000", "regproxy_127_0_0_1_9000")])
  func `connections are kept by an upstream block that is named after the worker's address`(
    _ listen: String,
    _ name: String
  ) throws {
    let yaml = "store: {directory: /s}\nlisten: '\(listen)'"
    let nginx = NginxConfiguration(configuration: try Configuration(yaml: yaml, file: "test.yaml"))
    #expect(try nginx.upstream().contains("upstream \(name) {"))
    #expect(try nginx.locations(keepsConnections: true).contains("fastcgi_pass \(name);"))
    let server = try nginx.server(.http(address: "127.0.0.1:1"), name: "_")
    #expect(server.contains("upstream \(name) {"))
    #expect(!server.contains("fastcgi_pass unix:") && !server.contains("fastcgi_pass 127"))
    let further = try nginx.server(.http(address: "127.0.0.1:2"), name: "_", hasUpstream: false)
    #expect(!further.contains("upstream \(name) {"))
    #expect(further.contains("fastcgi_pass \(name);"))
  }

  @Test func `the internal location is at the prefix that the worker redirects to`() throws {
    #expect(try nginx().locations(keepsConnections: false).contains("location ^~ \(ResponseWriter.internalPrefix) {"))
  }
}
