internal import Glibc
internal import RegistryTestSupport
internal import SystemPackage
internal import Testing

@testable internal import RegistryHandler

struct FileSystemTests {
  private let directory: TemporaryDirectory
  private let fileSystem = FileSystem()

  init() throws { directory = try TemporaryDirectory() }

  @Test func `a file is written with the directories above it`() throws {
    let path = "\(directory.path)/a/b/c"
    try fileSystem.writeAtomically([1, 2, 3], to: path, by: "\(directory.path)/t/1")
    #expect(try fileSystem.read(path, limit: 3) == [1, 2, 3])
    #expect(directory.files(below: directory.path) == [path])
  }

  @Test func `a file that cannot be renamed leaves no temporary file`() throws {
    try directory.write([], to: "\(directory.path)/a/b/c")
    #expect(throws: FileError.self) {
      try fileSystem.writeAtomically([1], to: "\(directory.path)/a/b", by: "\(directory.path)/t/1")
    }
    #expect(directory.files(below: "\(directory.path)/t").isEmpty)
  }

  @Test func `an existing file at the temporary path is not overwritten`() throws {
    try directory.write([9], to: "\(directory.path)/t")
    #expect(throws: FileError.self) { try fileSystem.writeNew([1], to: "\(directory.path)/t") }
    #expect(try fileSystem.read("\(directory.path)/t", limit: 1) == [9])
  }

  @Test func `a missing file reads as nil, and a file that is too large is an error`() throws {
    #expect(try fileSystem.read("\(directory.path)/none", limit: 1) == nil)
    try directory.write([1, 2], to: "\(directory.path)/two")
    #expect(try fileSystem.read("\(directory.path)/two/none", limit: 1) == nil)
    #expect(throws: FileError.self) { try fileSystem.read("\(directory.path)/two", limit: 1) }
  }

  @Test func `a file that is larger than any disk is rejected`() throws {
    let path = "/dev/shm/registry-handler-\(UInt64.random(in: 0...(.max)))"
    let file = try OpenFile(path, .readWrite, [.create, .exclusiveCreate, .closeOnExec])
    defer { fileSystem.remove(path) }
    try #require(truncate(path, .max) == 0)
    #expect(fileSystem.size(of: path) == nil)
    #expect(fileSystem.status(of: path) == nil)
    #expect(throws: FileError.self) { try file.size() }
    #expect(throws: FileError.self) { try fileSystem.read(path, limit: 100) }
    try #require(truncate(path, off_t(FileSystem.largestFile)) == 0)
    #expect(fileSystem.size(of: path) == FileSystem.largestFile)
  }

  @Test(arguments: [(Int.min, 0), (-1, 0), (0, 0), (1_700_000_000, 1_700_000_000), (.max, 1 << 40)] as [(Int, Int64)])
  func `a time out of range is clamped`(_ written: Int, _ time: Int64) throws {
    var status = stat()
    status.st_mode = S_IFREG
    status.st_atim = timespec(tv_sec: written, tv_nsec: 0)
    status.st_mtim = timespec(tv_sec: written, tv_nsec: 0)
    let clamped = try #require(FileStatus(status))
    #expect(clamped.accessTime == time)
    #expect(clamped.modificationTime == time)
  }

  @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("/", "/"), ("a", "/")])
  func `the parent of a path ends before its last slash`(_ path: String, _ parent: String) {
    #expect(FileSystem.parent(of: path) == parent)
  }
}
