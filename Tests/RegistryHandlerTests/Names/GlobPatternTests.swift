internal import Testing

@testable internal import RegistryHandler

struct GlobPatternTests {
  @Test(
    arguments: [
      ("", "", true), ("", "a", false), ("a", "", false),
      ("a/b", "a/b", true), ("a/b", "a/bc", false), ("a/b", "xa/b", false), ("A", "a", false),
      ("*", "", true), ("*", "a/b/c", true), ("**", "a", true),
      ("a/*", "a/b", true), ("a/*", "a/b/c", true), ("a/*", "a/", true), ("a/*", "a", false), ("a/*", "ba/b", false),
      ("*/b", "a/b", true), ("*/b", "a/c/b", true), ("*/b", "b", false), ("*b*", "abc", true), ("*b*", "ac", false),
      ("a?c", "abc", true), ("a?c", "a/c", true), ("a?c", "ac", false), ("a?", "abc", false), ("?*", "", false),
      ("*a*b", "xaxbxab", true), ("*a*b", "xaxbxa", false), ("*ab*ab", "aab", false),
      ("a.c", "abc", false), ("[ab]", "a", false), ("a+", "aa", false),
      ("*/*-nightly", "o/app-nightly", true), ("*/*-nightly", "o/app", false),
    ]
  )
  func `a star matches any bytes, a question mark one byte`(_ glob: String, _ text: String, _ matches: Bool) {
    #expect(GlobPattern(glob).matches(text) == matches)
  }

  @Test func `many stars take no exponential time`() {
    let glob = String(repeating: "*a", count: 60) + "b"
    #expect(!GlobPattern(glob).matches(String(repeating: "a", count: 255)))
  }
}
