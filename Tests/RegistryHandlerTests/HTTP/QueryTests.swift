internal import Testing

@testable internal import RegistryHandler

struct QueryTests {
  @Test(
    arguments: [
      ("", []),
      ("&&", []),
      ("a", [["a", ""]]),
      ("a=", [["a", ""]]),
      ("=b", [["", "b"]]),
      ("n=10&last=v1.0", [["n", "10"], ["last", "v1.0"]]),
      ("a=b=c", [["a", "b=c"]]),
      ("a=%41+b%2Bc%20d", [["a", "A b+c d"]]),
      ("%61=1", [["a", "1"]]),
      ("a=%2541", [["a", "%41"]]),
      ("a=%c3%A4", [["a", "\u{E4}"]]),
      ("a=?/#", [["a", "?/#"]]),
    ]
  )
  func `each name and value is decoded once, in order`(_ text: String, _ parameters: [[String]]) throws {
    #expect(try Query(text[...]).parameters.map { [$0.name, $0.value] } == parameters)
  }

  @Test(arguments: ["a=%", "a=%4", "a=%4g", "a=%00", "a=%0d%0aX", "a=%7f", "a=%ff", "a=%c3", "%0a=1", "a=\u{1}"])
  func `control bytes, broken escapes and invalid UTF-8 are rejected, and the error omits the value`(_ text: String) {
    let name = String(text.prefix { $0 != "=" })
    #expect(throws: MalformedQuery(parameter: name)) { try Query(text[...]) }
  }

  @Test func `a name has its first value`() throws {
    let query = try Query("scope=a&service=s&scope=b")
    #expect(query["scope"] == "a")
    #expect(query["none"] == nil)
  }
}
