internal import Testing

@testable internal import regproxy_fcgi

@Suite("The nginx templates")
struct TemplateTests {
  @Test("A variable in a line is replaced, nginx's own stay")
  func inline() throws {
    let template = Template(text: "alias ${REGPROXY_STORE}/blobs/; # $uri ${other} ${REGPROXY_STORE}")
    #expect(
      try template.filled(with: ["REGPROXY_STORE": "/s"]) == "alias /s/blobs/; # $uri ${other} /s"
    )
  }

  @Test("A variable alone on its line takes many lines with its indentation, or none")
  func block() throws {
    let template = Template(text: "a {\n    ${REGPROXY_X}\n}")
    #expect(try template.filled(with: ["REGPROXY_X": "b;\n\nc;\n"]) == "a {\n    b;\n\n    c;\n}")
    #expect(try template.filled(with: ["REGPROXY_X": ""]) == "a {\n}")
  }

  @Test("A variable without a value is an error")
  func unknown() {
    #expect(throws: Template.UnknownVariable(name: "REGPROXY_Y")) {
      try Template(text: "${REGPROXY_Y}").filled(with: [:])
    }
    #expect(throws: Template.UnknownVariable(name: "REGPROXY_Y")) {
      try Template(text: "a ${REGPROXY_Y}").filled(with: [:])
    }
  }

  private func nginx() throws -> NginxConfiguration {
    NginxConfiguration(configuration: try Configuration(yaml: "store: {directory: /s}\nlisten: /w", file: "test.yaml"))
  }

  @Test("No variable of ours is left in any form")
  func complete() throws {
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

  @Test("The internal location is where the worker sends nginx")
  func internalPrefix() throws {
    #expect(try nginx().locations().contains("location ^~ \(ResponseWriter.internalPrefix) {"))
  }
}
