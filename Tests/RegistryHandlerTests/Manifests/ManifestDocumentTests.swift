internal import FoundationEssentials
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct ManifestDocumentTests {
  private struct Anything: Decodable {
    init(from decoder: any Decoder) throws {}
  }

  private static func document(_ text: String) -> ManifestDocument? { ManifestDocument(Array(text.utf8)) }

  @Test(
    arguments: [
      ("{}", false), ("{ }\n", false), (#"{"schemaVersion":2}"#, true), (#"{"schemaVersion" : 2 , "a":[] }"#, true),
      (#"{"a":{"b":[{},[],1]},"schemaVersion":1}"#, true), (#"{"schemaVersion":"2"}"#, false),
      (#"{"schemaVersion":2.5}"#, false), (#"{"schemaVersion":2e0}"#, false), (#"{"schemaVersion":[2]}"#, false),
      (#"{"schemaVersion":null,"a":2}"#, false), (#"{"a":{"schemaVersion":2}}"#, false),
      (#"{"a":["schemaVersion",2]}"#, false), (#"{"errors":[]}"#, false), (#"{"schemaVersion2":2}"#, false),
      (#"{"schemaVersion":{"a":2}}"#, false), (#"{"schemaVersion":-1}"#, true),
    ]
  )
  func `the schema version of an object is an integer`(_ text: String, _ hasSchemaVersion: Bool) {
    #expect(Self.document(text)?.hasSchemaVersion == hasSchemaVersion)
  }

  @Test(
    arguments: [
      "1", "0", "-0", "10", "0.5", "-1.25e+3", "1E9", "1e-9", "true", "false", "null", #""""#, "\"\u{1F600}\"",
      #""\\\"\/\b\f\n\r\t\u00e4\uD83D""#, "[]", "[ ]", "[1]", "[1 , \"a\"]", "[[[]]]", "{}", "{ }", #"{"a":1}"#,
      "{\"a\" :\t1 ,\r\n\"b\" : [ ] }",
    ]
  )
  func `a JSON value is accepted at any position`(_ value: String) {
    for text in Self.documents(with: value) { #expect(Self.document(text) != nil, "\(text)") }
  }

  @Test(
    arguments: [
      "01", "-", "1.", ".5", "1e", "1e+", "+1", "0x1", "1 2", "tru", "True", "nul", "nan", #""\u00g0""#, #""\u00e""#,
      #""\x""#, "\"\n\"", "\"\u{1}\"", #""a"#, #""a\"#, "[1,]", "[,1]", "[1 1]", "[1,2", "[1}", #"{"a":1,}"#, #"{"a"}"#,
      #"{"a":}"#, "{1:1}", "{,}", #"{"a":1"#, #"{"a":1]"#, #"{"a":1 "b":2}"#, "", " ", ",", ":", "]", "}", "\u{B}1",
    ]
  )
  func `an invalid value is rejected at any position`(_ value: String) {
    for text in Self.documents(with: value) { #expect(Self.document(text) == nil, "\(text)") }
  }

  private static func documents(with value: String) -> [String] {
    [#"{"x":\#(value)}"#, #"{"x":{"y":\#(value)}}"#, #"{"x":\#(value),"y":0}"#, #"{"x":[0,\#(value)]}"#]
  }

  @Test(arguments: ["", "[]", "1", "\"a\"", "<html>", " {}", "{", "{}{}", "{}x", "null"])
  func `a text that is not an object is rejected`(_ text: String) { #expect(Self.document(text) == nil) }

  @Test(arguments: [(511, true), (512, false), (2 << 20, false)])
  func `a text that is nested too deeply is rejected`(_ depth: Int, _ isAccepted: Bool) {
    let text = #"{"x":"# + String(repeating: "[", count: depth) + String(repeating: "]", count: depth) + "}"
    #expect((Self.document(text) != nil) == isAccepted)
  }

  @Test func `no text stops the process, and a text that a general parser rejects is rejected`() {
    var random = SeededGenerator(seed: 4)
    for _ in 0..<20_000 {
      let text = random.text(of: #"{}[]":,0123456789.-+eE\utrfalsn "#, upTo: 40)
      guard Self.document("{\(text)}") != nil else { continue }
      #expect((try? JSONDecoder().decode(Anything.self, from: Data("{\(text)}".utf8))) != nil, "\(text)")
    }
  }
}
