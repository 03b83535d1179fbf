internal import Testing

@testable internal import RegistryHandler

/// Table "Names" of `docs/request-handling.md`: tags and references.
struct ReferenceTests {
  private static let longest = String(repeating: "t", count: TagName.maximumLength)

  @Test(arguments: ["latest", "1", "_", "__", "3.19", "V1.0-RC_2", "a..b", "a--", "x.", longest])
  func `a tag of the grammar is accepted`(_ text: String) throws {
    #expect(try #require(TagName(text)).description == text)
  }

  @Test(
    arguments: [
      "", ".", "..", "-", ".hidden", "-x", "a/b", "a:b", "a b", "a+b", "a%20", "a\0", "a\n", "\u{E4}", "a\u{301}",
      "sha256:" + longest.prefix(64), longest + "t",
    ]
  )
  func `a malformed tag is rejected`(_ text: String) {
    #expect(TagName(text) == nil)
  }

  @Test func `a reference is described as its tag or digest`() throws {
    let digest = try #require(Digest(of: []))
    #expect(Reference.tag(try #require(TagName("v1"))).description == "v1")
    #expect(Reference.digest(digest).description == digest.description)
  }
}
