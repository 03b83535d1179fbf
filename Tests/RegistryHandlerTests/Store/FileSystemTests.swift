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

  @Test func `what cannot be put in its place leaves no temporary file`() throws {
    try directory.write([], to: "\(directory.path)/a/b/c")
    #expect(throws: StoreError.self) {
      try fileSystem.writeAtomically([1], to: "\(directory.path)/a/b", by: "\(directory.path)/t/1")
    }
    #expect(directory.files(below: "\(directory.path)/t").isEmpty)
  }

  @Test func `a temporary path that is taken is not overwritten`() throws {
    try directory.write([9], to: "\(directory.path)/t")
    #expect(throws: StoreError.self) { try fileSystem.writeNew([1], to: "\(directory.path)/t") }
    #expect(try fileSystem.read("\(directory.path)/t", limit: 1) == [9])
  }

  @Test func `what is not there reads as nothing, what is too large is an error`() throws {
    #expect(try fileSystem.read("\(directory.path)/none", limit: 1) == nil)
    try directory.write([1, 2], to: "\(directory.path)/two")
    #expect(try fileSystem.read("\(directory.path)/two/none", limit: 1) == nil)
    #expect(throws: StoreError.self) { try fileSystem.read("\(directory.path)/two", limit: 1) }
  }

  @Test(arguments: [("/a/b", "/a"), ("/a", "/"), ("/", "/"), ("a", "/")])
  func `the parent of a path is what stands before its last slash`(_ path: String, _ parent: String) {
    #expect(FileSystem.parent(of: path) == parent)
  }
}
