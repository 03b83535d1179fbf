internal import Testing

@testable internal import RegistryHandler

struct CredentialsTests {
  @Test func `the header is that of the Basic scheme`() throws {
    let credentials = try #require(Credentials(username: "Aladdin", password: "open sesame"))
    #expect(credentials.authorization == "Basic QWxhZGRpbjpvcGVuIHNlc2FtZQ==")
  }

  @Test(arguments: [("", "x"), ("a:b", "x"), ("a\n", "x"), ("a", "x\r\nHost: y"), ("a", "\u{7F}")])
  func `credentials that the header cannot carry are refused`(_ username: String, _ password: String) {
    #expect(Credentials(username: username, password: password) == nil)
  }

  @Test func `no description has the password`() throws {
    let credentials = try #require(Credentials(username: "robot", password: "planted"))
    var dumped = ""
    dump(credentials, to: &dumped)
    for text in ["\(credentials)", String(reflecting: credentials), "\([credentials])", dumped] {
      #expect(text.contains("robot") && !text.contains("planted"))
    }
  }
}
