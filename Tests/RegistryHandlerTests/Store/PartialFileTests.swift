internal import Glibc
internal import NIOCore
internal import RegistryTestSupport
internal import SystemPackage
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

  @Test func `matching bytes are verified and promoted`() throws {
    let partial = try store.claimPartial(digest)
    try partial.append(ByteBuffer(string: "abc"))
    #expect(try !partial.isVerified())
    #expect(partial.length == 3)
    #expect(store.size(of: digest) == nil)
    try partial.append(ByteBuffer())
    try partial.append(ByteBuffer(string: "def"))
    #expect(try partial.isVerified())
    try partial.promote()
    #expect(store.size(of: digest) == 6)
    #expect(partials.isEmpty)
  }

  @Test func `a promoted blob has mode 0640 and the mtime of all blobs`() throws {
    let partial = try store.claimPartial(digest)
    try partial.append(ByteBuffer(string: "abcdef"))
    try partial.promote()
    var status = stat()
    #expect(lstat(store.layout.blob(digest), &status) == 0)
    #expect(status.st_mode & 0o7777 == 0o640)
    #expect(status.st_mtim.tv_sec == Store.blobModificationTime)
    #expect(status.st_mtim.tv_nsec == 0)
  }

  @Test(arguments: ["", "abcde", "abcdefg", "abcdeg", "ABCDEF"])
  func `bytes that do not match the digest are not verified`(_ text: String) throws {
    let partial = try store.claimPartial(digest)
    try partial.append(ByteBuffer(string: text))
    #expect(try !partial.isVerified())
  }

  @Test func `a blob named by sha512 is verified`() throws {
    let digest = try #require(Digest(of: Array("abcdef".utf8), algorithm: .sha512))
    let partial = try store.claimPartial(digest)
    try partial.append(ByteBuffer(string: "abcdef"))
    #expect(try partial.isVerified())
  }

  @Test func `a discarded file is removed, and an open reader continues`() throws {
    let partial = try store.claimPartial(digest)
    try partial.append(ByteBuffer(string: "abc"))
    partial.discard()
    #expect(partials.isEmpty)
    #expect(try partial.file.size() == 3)
  }

  @Test func `a file removed from outside leaves the next file and its record alone`() throws {
    let removed = try store.claimPartial(digest)
    try removed.append(ByteBuffer(string: "abcdef"))
    #expect(unlink(store.layout.partial(digest)) == 0)
    let next = try store.claimPartial(digest)
    try next.append(ByteBuffer(string: "abc"))
    let repository = try Values.repository("r.test", "o/a")
    try next.keep(PartialRecord(size: 6, etag: nil, origin: repository))
    #expect(throws: FileError.self) { try removed.promote() }
    removed.discard()
    #expect(store.size(of: digest) == nil)
    #expect(partials.count == 2)
    try next.append(ByteBuffer(string: "def"))
    try next.promote()
    #expect(store.size(of: digest) == 6)
    #expect(partials.isEmpty)
  }

  @Test func `a file stays when descriptors ran out, and is removed when space ran out`() throws {
    for (errno, isLeft) in [(Errno.tooManyOpenFiles, true), (.tooManyOpenFilesInSystem, true), (.noSpace, false)] {
      let partial = try store.claimPartial(digest)
      if partial.length == 0 { try partial.append(ByteBuffer(string: "abc")) }
      partial.giveUp(because: FileError("open", "x", errno))
      #expect(partials.isEmpty == !isLeft)
    }
  }

  @Test func `an unfinished file stays and is resumed`() throws {
    do {
      let partial = try store.claimPartial(digest)
      try partial.append(ByteBuffer(string: "abc"))
    }
    #expect(partials == [store.layout.partial(digest)])
    let next = try store.claimPartial(digest)
    #expect(next.length == 3)
    #expect(try !next.isVerified())
    try next.append(ByteBuffer(string: "def"))
    #expect(try next.isVerified())
    try next.promote()
    #expect(store.size(of: digest) == 6)
    #expect(partials.isEmpty)
  }

  @Test func `a file without bytes is removed`() throws {
    _ = try store.claimPartial(digest)
    #expect(partials.isEmpty)
  }

  @Test func `a file that is too long is not verified, and is not resumed after it is discarded`() throws {
    try directory.write(Array("something longer than the blob".utf8), to: store.layout.partial(digest))
    let partial = try store.claimPartial(digest)
    #expect(partial.length == 30)
    #expect(try !partial.isVerified())
    partial.discard()
    #expect(try store.claimPartial(digest).length == 0)
  }

  @Test func `one claim gets the writer, and the others get the growing file`() throws {
    let first = try store.claimPartial(digest)
    guard case .taken(let file) = try PartialFile.claim(digest, in: store) else {
      Issue.record("two writers have the same file")
      return
    }
    try first.append(ByteBuffer(string: "abcdef"))
    #expect(try file.size() == 6)
    #expect(!file.tryLock())
    try first.promote()
    #expect(file.tryLock())
    #expect(!file.isStillAtItsPath())
    #expect(store.size(of: digest) == 6)
  }

  @Test func `a released writer gives up the lock although a reader has the file open`() throws {
    let first = try store.claimPartial(digest)
    try first.append(ByteBuffer(string: "abc"))
    let reader = first.file
    first.release()
    #expect(try reader.size() == 3)
    #expect(try store.claimPartial(digest).length == 3)
  }

  @Test func `the record stays with a released file and is removed with a discarded file`() throws {
    let repository = try Values.repository("r.test", "a/b")
    let record = PartialRecord(size: 6, etag: "\"e\"", origin: repository)
    let first = try store.claimPartial(digest)
    let follower = try OpenFile(store.layout.partial(digest), .readWrite, [])
    #expect(!follower.isRecordMarked)
    try first.keep(record)
    #expect(follower.isRecordMarked)
    #expect(store.partialRecord(of: digest) == record)
    #expect(store.partialRecord(of: digest)?.origin == repository)
    try first.append(ByteBuffer(string: "abc"))
    first.release()
    #expect(!follower.isRecordMarked)
    #expect(store.partialRecord(of: digest) == record)
    let second = try store.claimPartial(digest)
    second.discard()
    #expect(store.partialRecord(of: digest) == nil)
    #expect(partials.isEmpty)
  }

  @Test(
    arguments: [
      "", "{", "[]", #"{"size":"x"}"#, #"{"upstream":"..","repository":"a"}"#,
      #"{"size":-1,"upstream":"r.test","repository":"a"}"#,
      #"{"size":-9223372036854775808,"upstream":"r.test","repository":"a"}"#,
      #"{"size":9223372036854775808,"upstream":"r.test","repository":"a"}"#,
    ]
  )
  func `a corrupt record has no origin`(_ json: String) throws {
    try directory.write(Array(json.utf8), to: store.layout.partialRecord(digest))
    #expect(store.partialRecord(of: digest)?.origin == nil)
  }
}

extension Store {
  /// Claims a blob that has no writer.
  func claimPartial(_ digest: Digest) throws -> PartialFile {
    guard case .mine(let partial) = try PartialFile.claim(digest, in: self) else {
      throw FileError("lock", layout.partial(digest), .resourceTemporarilyUnavailable)
    }
    return partial
  }
}
