internal import Testing

@testable internal import regproxy_fcgi

struct TemplateTests {
  @Test func `a variable within a line is replaced, nginx's own variables stay`() throws {
    let template = Template(text: "alias ${REGPROXY_STORE}/blobs/; # $uri ${other} ${REGPROXY_STORE}")
    #expect(
      try template.filled(with: ["REGPROXY_STORE": "/s"]) == "alias /s/blobs/; # $uri ${other} /s"
    )
  }

  @Test func `a variable alone on its line gives indented lines, or removes the line`() throws {
    let template = Template(text: "a {\n    ${REGPROXY_X}\n}")
    #expect(try template.filled(with: ["REGPROXY_X": "b;\n\nc;\n"]) == "a {\n    b;\n\n    c;\n}")
    #expect(try template.filled(with: ["REGPROXY_X": ""]) == "a {\n}")
  }

  @Test func `a variable without a value is an error`() {
    #expect(throws: Template.UnknownVariable(name: "REGPROXY_Y")) {
      try Template(text: "${REGPROXY_Y}").filled(with: [:])
    }
    #expect(throws: Template.UnknownVariable(name: "REGPROXY_Y")) {
      try Template(text: "a ${REGPROXY_Y}").filled(with: [:])
    }
  }
}
