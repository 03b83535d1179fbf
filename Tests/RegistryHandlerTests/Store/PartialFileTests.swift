internal import Glibc
internal import NIOCore
internal import Testing

@testable internal import RegistryHandler

struct PartialFileTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let digest: Digest

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    digest = try Values.digest(of: "abcdef")
  }

  private var partials: [String] { directory.files(below: store.layout.partials) }

  @Test func `the right bytes are verified and promoted`() throws {
    let partial = try PartialFile(digest, in: store)
    try partial.append(ByteBuffer(string: "abc"))
    #expect(!partial.isVerified())
    #expect(partial.length == 3)
    #expect(store.size(of: digest) == nil)
    try partial.append(ByteBuffer())
    try partial.append(ByteBuffer(string: "def"))
    #expect(partial.isVerified())
    try partial.promote()
    #expect(store.size(of: digest) == 6)
    #expect(partials.isEmpty)
  }

  @Test func `a promoted blob has mode 0640 and the same time everywhere`() throws {
    let partial = try PartialFile(digest, in: store)
    try partial.append(ByteBuffer(string: "abcdef"))
    try partial.promote()
    var status = stat()
    #expect(lstat(store.layout.blob(digest), &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o640)
    #expect(status.st_mtim.tv_sec == Store.blobModificationTime)
    #expect(status.st_mtim.tv_nsec == 0)
  }

  @Test(arguments: ["", "abcde", "abcdefg", "abcdeg", "ABCDEF"])
  func `other bytes are not verified`(_ text: String) throws {
    let partial = try PartialFile(digest, in: store)
    try partial.append(ByteBuffer(string: text))
    #expect(!partial.isVerified())
  }

  @Test func `sha512 is verified likewise`() throws {
    let digest = try #require(Digest(of: Array("abcdef".utf8), algorithm: .sha512))
    let partial = try PartialFile(digest, in: store)
    try partial.append(ByteBuffer(string: "abcdef"))
    #expect(partial.isVerified())
  }

  @Test func `what is discarded is gone, and who has it open reads on`() throws {
    let partial = try PartialFile(digest, in: store)
    try partial.append(ByteBuffer(string: "abc"))
    partial.discard()
    #expect(partials.isEmpty)
    #expect(try partial.file.size() == 3)
  }

  @Test func `what nobody finished is discarded`() throws {
    do {
      let partial = try PartialFile(digest, in: store)
      try partial.append(ByteBuffer(string: "abc"))
      #expect(partials == [store.layout.partial(digest)])
    }
    #expect(partials.isEmpty)
    #expect(store.size(of: digest) == nil)
  }

  @Test func `what a crash left is written anew`() throws {
    try directory.write(Array("something longer than the blob".utf8), to: store.layout.partial(digest))
    let partial = try PartialFile(digest, in: store)
    #expect(partial.length == 0)
    try partial.append(ByteBuffer(string: "abcdef"))
    #expect(partial.isVerified())
    try partial.promote()
    #expect(store.size(of: digest) == 6)
  }

  @Test func `two writers do not write the same file`() throws {
    let first = try PartialFile(digest, in: store)
    let second = try PartialFile(digest, in: store)
    #expect(first.file.path != second.file.path)
    try first.append(ByteBuffer(string: "xxxxxx"))
    try second.append(ByteBuffer(string: "abcdef"))
    #expect(!first.isVerified())
    try second.promote()
    first.discard()
    #expect(store.size(of: digest) == 6)
    #expect(partials.isEmpty)
  }
}
