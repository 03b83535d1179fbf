internal import Testing

@testable internal import regproxy_fcgi

struct TextTableTests {
  @Test func `columns are as wide as their widest text, and the last one is not padded`() {
    #expect(
      TextTable([["SIZE", "OF"], ["1.0 KB", "a"], ["2 B", "name"]]).lines == [
        "SIZE    OF", "1.0 KB  a", "2 B     name",
      ]
    )
    #expect(TextTable([]).lines.isEmpty)
  }
}
