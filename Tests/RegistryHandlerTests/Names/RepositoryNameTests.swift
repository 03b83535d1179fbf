internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// Table "Names" of `docs/request-handling.md`: repositories.
struct RepositoryNameTests {
  private static let longest = String(repeating: "a", count: RepositoryName.maximumLength)

  @Test(
    arguments: [
      "a", "0", "library/alpine", "a/b/c/d/e", "0a/9", "a.b", "a_b", "a__b", "a-b", "a--b", "a---------b",
      "my-org/my.app_v2__x", "manifests", "blobs/uploads", "v2/v2", "a.b.c/d-e_f", longest,
    ]
  )
  func `a name of the grammar is accepted`(_ text: String) throws {
    #expect(try #require(RepositoryName(text)).description == text)
  }

  @Test(
    arguments: [
      "", "/", "a/", "/a", "a//b", ".", "..", "a/.", "a/..", "../a", "a/../b", "./a",
      "A", "a/B", "a.", ".a", "-a", "a-", "_a", "a_", "a..b", "a___b", "a._b", "a.-b", "a-_b", "a_-b", "a/-/b",
      "a b", "a%2fb", "a:b", "a@b", "a\\b", "a\0b", "a\nb", "a\r\nb", "\u{E4}", "a/\u{430}", "a\u{301}",
      "_blobs", "a/_tags", longest + "a",
    ]
  )
  func `a malformed name is rejected`(_ text: String) {
    #expect(RepositoryName(text) == nil)
  }

  @Test(arguments: [("alpine", true), ("library/alpine", false)])
  func `a name knows whether it has a single component`(_ text: String, _ isSingle: Bool) throws {
    #expect(try #require(RepositoryName(text)).isSingleComponent == isSingle)
  }

  @Test func `a name can be put inside a namespace, unless it gets too long`() throws {
    #expect(try #require(RepositoryName("alpine")).inside("library") == RepositoryName("library/alpine"))
    #expect(try #require(RepositoryName(Self.longest)).inside("library") == nil)
  }

  @Test(arguments: 0..<20 as Range<UInt64>)
  func `the paths of an accepted name stay inside the store`(seed: UInt64) throws {
    var random = SeededGenerator(seed: seed)
    let layout = StoreLayout(root: "/store")
    let digest = try #require(Digest(of: []))
    var accepted = 0
    for _ in 0..<500 {
      let name = RepositoryName(random.text(of: "ab0./_-", upTo: 12))
      let upstream = UpstreamName(random.text(of: "a0.-:/_", upTo: 8))
      let tag = TagName(random.text(of: "aZ0._-/", upTo: 8))
      guard let name else { continue }
      accepted += 1
      let repository = UpstreamRepository(upstream: try upstream ?? #require(UpstreamName("a.b")), name: name)
      let paths = [layout.blobLink(digest, in: repository), layout.manifest(digest, in: repository)]
      for path in paths + (tag.map { [layout.tag($0, in: repository)] } ?? []) {
        let segments = path.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false).dropFirst()
        #expect(path.hasPrefix("/store/repositories/\(repository.upstream)/\(name)/_"))
        #expect(segments.allSatisfy { !$0.isEmpty && $0.count <= 255 })
        #expect(!segments.contains { $0.elementsEqual(".".utf8) || $0.elementsEqual("..".utf8) })
        #expect(!path.utf8.contains(0))
      }
    }
    #expect(accepted > 10)
  }
}
