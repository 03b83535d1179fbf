internal import Glibc
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct StoreTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let digest: Digest
  private let repository: UpstreamRepository

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    digest = try Values.digest(of: "abc")
    repository = try Values.repository("r.test", "o/a")
  }

  private func status(of path: String) -> stat {
    var status = stat()
    lstat(path, &status)
    return status
  }

  @Test func `bytes are stored under their digest`() throws {
    #expect(store.size(of: digest) == nil)
    #expect(store.open(digest) == nil)
    try store.keep(Array("abc".utf8), as: digest)
    #expect(store.size(of: digest) == 3)
    #expect(try store.open(digest)?.size() == 3)
    try store.keep(Array("abc".utf8), as: digest)
    #expect(directory.files(below: store.layout.partials).isEmpty)
  }

  @Test func `a stored blob has mode 0640 and the mtime of all blobs`() throws {
    try store.keep(Array("abc".utf8), as: digest)
    let file = status(of: store.layout.blob(digest))
    #expect(file.st_mode & 0o7777 == 0o640)
    #expect(file.st_mtim.tv_sec == Store.blobModificationTime)
    #expect(file.st_mtim.tv_nsec == 0)
  }

  @Test func `directories are readable by their group and pass the group on`() throws {
    try store.keep(Array("abc".utf8), as: digest)
    for path in [store.layout.blobs, FileSystem.parent(of: store.layout.blob(digest))] {
      #expect(status(of: path).st_mode & 0o7777 == 0o2750)
    }
  }

  @Test func `a torn blob is replaced`() throws {
    try directory.write([0x61], to: store.layout.blob(digest))
    try store.keep(Array("abc".utf8), as: digest)
    #expect(store.size(of: digest) == 3)
  }

  @Test func `a link counts for its repository and upstream only`() throws {
    let others = [
      try Values.repository("r.test", "o/b"), try Values.repository("r.test", "o"),
      try Values.repository("q.test", "o/a"),
    ]
    #expect(!store.hasLink(to: digest, in: repository))
    try store.link(digest, in: repository)
    try store.link(digest, in: repository)
    #expect(store.hasLink(to: digest, in: repository))
    #expect(others.allSatisfy { !store.hasLink(to: digest, in: $0) })
    #expect(!store.hasLink(to: try Values.digest(of: "other"), in: repository))
  }

  @Test func `blobs and links are found by the next process`() throws {
    try store.keep(Array("abc".utf8), as: digest)
    try store.link(digest, in: repository)
    let other = try directory.makeStore()
    #expect(other.size(of: digest) == 3)
    #expect(other.hasLink(to: digest, in: repository))
  }

  @Test func `a symbolic link or a directory at a blob's path is not a blob`() throws {
    try directory.write([], to: "\(store.layout.blob(digest))/x")
    #expect(store.size(of: digest) == nil)
    let other = try Values.digest(of: "other")
    try directory.write(Array("secret".utf8), to: "\(directory.path)/secret")
    try store.fileSystem.makeDirectory(FileSystem.parent(of: store.layout.blob(other)))
    #expect(symlink("\(directory.path)/secret", store.layout.blob(other)) == 0)
    #expect(store.size(of: other) == nil)
    #expect(store.open(other) == nil)
  }

  @Test func `a probe leaves no file behind`() throws {
    try store.probe()
    #expect(directory.files(below: store.layout.root).isEmpty)
  }

  @Test func `a store that cannot be written throws`() throws {
    try directory.write([], to: "\(directory.path)/file")
    #expect(throws: FileError.self) { try Store(directory: "\(directory.path)/file/store") }
    try store.fileSystem.makeDirectory(store.layout.root)
    store.fileSystem.remove(store.layout.partials)
    #expect(rmdir(store.layout.partials) == 0)
    try directory.write([], to: store.layout.partials)
    #expect(throws: FileError.self) { try store.probe() }
  }

  @Test func `temporary paths are unique`() async throws {
    let paths = await withTaskGroup(of: [String].self) { group in
      for _ in 0..<8 { group.addTask { (0..<100).map { _ in store.makeTemporaryPath() } } }
      return await group.reduce(into: Set<String>()) { $0.formUnion($1) }
    }
    #expect(paths.count == 800)
  }
}
