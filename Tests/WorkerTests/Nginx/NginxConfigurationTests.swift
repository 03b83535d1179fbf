internal import Testing

@testable internal import regproxy_fcgi

struct NginxConfigurationTests {
  private func nginx() throws -> NginxConfiguration {
    NginxConfiguration(configuration: try Configuration(yaml: "store: {directory: /s}\nlisten: /w", file: "test.yaml"))
  }

  @Test func `every form is complete, with no REGPROXY variable left`() throws {
    let nginx = try nginx()
    let forms = [
      try nginx.locations(),
      try nginx.server(.tls(certificate: "/c", key: "/k"), name: "_"),
      try nginx.standalone(.http(address: "127.0.0.1:1"), name: "_", prefix: "/p", user: nil),
    ]
    for form in forms { #expect(!form.contains("${REGPROXY_")) }
    #expect(forms[0].contains("fastcgi_pass unix:/w;"))
    #expect(forms[0].contains("alias /s/blobs/;"))
    #expect(forms[0].contains("location ^~ /ghcr.io/v2/ {"))
    #expect(!forms[0].contains("server {"))
    #expect(forms[1].contains("ssl_certificate /c;"))
    #expect(!forms[2].contains("ssl_certificate"))
  }

  @Test func `the internal location is at the prefix that the worker redirects to`() throws {
    #expect(try nginx().locations().contains("location ^~ \(ResponseWriter.internalPrefix) {"))
  }
}
