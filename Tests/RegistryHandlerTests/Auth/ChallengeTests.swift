internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct ChallengeTests {
  private static func bearer(_ parameters: [String: String] = [:]) -> Challenge {
    Challenge(scheme: "bearer", parameters: parameters)
  }

  private static func basic(_ parameters: [String: String] = [:]) -> Challenge {
    Challenge(scheme: "basic", parameters: parameters)
  }

  @Test(
    arguments: [
      (#"Bearer realm="https://a/token""#, [bearer(["realm": "https://a/token"])]),
      (
        #"Bearer realm="https://a/token",service="a",scope="repository:x:pull,push""#,
        [bearer(["realm": "https://a/token", "service": "a", "scope": "repository:x:pull,push"])]
      ),
      // Any order, any case, any space.
      ("Bearer\trealm=r\t,\tservice=a", [bearer(["realm": "r", "service": "a"])]),
      (#"BEARER Scope="s" ,  SERVICE = a , Realm="r""#, [bearer(["realm": "r", "service": "a", "scope": "s"])]),
      (#"  Bearer   realm="r"  "#, [bearer(["realm": "r"])]),
      (#",, Bearer realm="r",, service="a","#, [bearer(["realm": "r", "service": "a"])]),
      // Unquoted and empty values.
      ("Bearer realm=r", [bearer(["realm": "r"])]),
      (#"Bearer realm="",service="a""#, [bearer(["realm": "", "service": "a"])]),
      // Escapes, and delimiters inside quotes.
      (#"Bearer realm="a\"b\\c\d""#, [bearer(["realm": #"a"b\cd"#])]),
      (
        #"Bearer realm="r, Basic realm=x", service="a=b, c""#,
        [bearer(["realm": "r, Basic realm=x", "service": "a=b, c"])]
      ),
      // Several challenges on one line.
      (
        #"Basic realm="b", Bearer realm="r",service="a""#,
        [basic(["realm": "b"]), bearer(["realm": "r", "service": "a"])]
      ),
      (#"Bearer realm="r", Basic realm="b""#, [bearer(["realm": "r"]), basic(["realm": "b"])]),
      (#"Negotiate, Bearer realm="r""#, [Challenge(scheme: "negotiate", parameters: [:]), bearer(["realm": "r"])]),
      // A token68 instead of parameters.
      ("Negotiate YWJj==", [Challenge(scheme: "negotiate", parameters: [:])]),
      (
        #"Negotiate YWJj== , Bearer realm="r""#,
        [Challenge(scheme: "negotiate", parameters: [:]), bearer(["realm": "r"])]
      ),
      (
        #"Bearer realm="r", Negotiate a/+-._~"#,
        [bearer(["realm": "r"]), Challenge(scheme: "negotiate", parameters: [:])]
      ),
      ("Bearer realm=", [bearer()]),
      ("Basic", [basic()]),
      ("", []),
      (" , ", []),
    ]
  )
  func `challenges are parsed according to RFC 9110`(_ line: String, _ challenges: [Challenge]) {
    #expect(Challenge.parse([line]) == challenges)
  }

  @Test func `several lines are parsed in order`() {
    let lines = [#"Basic realm="b""#, "", #"Bearer realm="r""#]
    #expect(Challenge.parse(lines) == [Self.basic(["realm": "b"]), Self.bearer(["realm": "r"])])
  }

  @Test(
    arguments: [
      #"Bearer realm="https://a"#, #"Bearer realm="a\"#, "Bearer =x", #"Bearer realm="a" service="b""#,
      #"Bearer realm="a",realm="b""#, #"Bearer realm="a",REALM="b""#, "Bearer realm=\"a\u{1}\"", "Bearer realm=\"a\n\"",
      "Bearer realm=\"a\\\u{0}\"", "Bearer realm=\"a\\\n\"", "Bearer realm=\"a\\\u{7F}\"",
      "Bearer realm=a/b", "=", "\"", "Bearer:", #"Bearer/realm="a""#, "\u{E4}",
    ]
  )
  func `a malformed challenge is dropped`(_ line: String) {
    #expect(Challenge.parse([line]).isEmpty)
  }

  @Test(
    arguments: [
      #"Bearer realm="r", Basic realm="unfinished"#,
      #"Bearer realm="r", Negotiate YWJj==x"#,
    ]
  )
  func `challenges before a malformed one remain`(_ line: String) {
    #expect(Challenge.parse([line]) == [Self.bearer(["realm": "r"])])
  }

  @Test(arguments: 0..<200 as Range<UInt64>)
  func `random lines do not stop the parser`(seed: UInt64) {
    var random = SeededGenerator(seed: seed)
    let line = random.text(of: #"Br=",\ a"#, upTo: 60)
    for challenge in Challenge.parse([line, line]) { #expect(!challenge.scheme.isEmpty) }
  }
}
