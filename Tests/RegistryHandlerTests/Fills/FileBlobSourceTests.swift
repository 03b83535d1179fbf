internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct FileBlobSourceTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let digest: Digest

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    digest = try Values.digest(of: "0123456789")
    try store.keep(Array("0123456789".utf8), as: digest)
  }

  @Test(arguments: [(0..<10, "0123456789"), (3..<4, "3"), (9..<10, "9"), (5..<5, "")] as [(Range<Int64>, String)])
  func `a range of a stored blob is read`(_ range: Range<Int64>, _ text: String) async throws {
    let source = FileBlobSource(try #require(store.open(digest)), range: range)
    #expect(try await source.collect() == Array(text.utf8))
  }

  @Test func `a file that is shorter than its range is an error, not an end`() async throws {
    let source = FileBlobSource(try #require(store.open(digest)), range: 0..<11)
    await #expect(throws: BlobSourceFailure.self) { try await source.collect() }
  }

  @Test func `a blob that is open stays readable when it is removed`() async throws {
    let source = FileBlobSource(try #require(store.open(digest)), range: 0..<10)
    store.fileSystem.remove(store.layout.blob(digest))
    #expect(try await source.collect() == Array("0123456789".utf8))
  }
}
