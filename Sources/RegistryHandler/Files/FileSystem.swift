internal import Glibc
internal import SystemPackage

/// The steps of the write protocol: a file appears under its name complete or not at all, even after a power failure.
///
/// All methods block.
package struct FileSystem: Sendable {
  /// The mode of directories: setgid, so that nginx's group, which owns the store's root, can read all files below it.
  private static let directoryMode: mode_t = 0o2750

  /// The largest size of a file in the store, in bytes: a larger file is corrupt, and sums of sizes stay small.
  static let largestFile: Int64 = 16 << 40

  /// The size of the first read in bytes, larger than nearly every manifest and record.
  private static let usualRecordSize = 8 << 10

  package init() {}

  /// Creates a directory and its parents unless they exist.
  package func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(path, Self.directoryMode) == 0 {
      // The umask of the process may have cleared bits.
      chmod(path, Self.directoryMode)
      return
    }
    switch errno {
    case EEXIST: return
    case ENOENT:
      let parent = Self.parent(of: path)
      guard parent != path else { throw FileError("make directory", path, .noSuchFileOrDirectory) }
      try makeDirectory(parent)
      guard mkdir(path, Self.directoryMode) == 0 || errno == EEXIST else {
        throw FileError("make directory", path, Errno(rawValue: errno))
      }
      chmod(path, Self.directoryMode)
    default: throw FileError("make directory", path, Errno(rawValue: errno))
    }
  }

  /// Gives a synchronized file its final name, and synchronizes the name too.
  package func promote(_ source: String, to destination: String) throws(FileError) {
    let directory = Self.parent(of: destination)
    try makeDirectory(directory)
    // Opened before the rename, so that only the disk can fail once the file has its name.
    let opened = try OpenFile(directory, .readOnly, [.directory, .closeOnExec])
    guard rename(source, destination) == 0 else {
      throw FileError("rename \(source) to", destination, Errno(rawValue: errno))
    }
    try opened.synchronize()
  }

  /// Writes a small file so that no reader sees it incomplete.
  /// - Parameter temporary: a path in the same file system that no other writer uses.
  package func writeAtomically(_ bytes: [UInt8], to path: String, by temporary: String) throws(FileError) {
    try writeNew(bytes, to: temporary)
    do {
      try promote(temporary, to: path)
    } catch {
      remove(temporary)
      throw error
    }
  }

  /// Writes a small file so that no reader sees it incomplete, without synchronizing it.
  package func replace(_ path: String, with bytes: [UInt8], by temporary: String) throws(FileError) {
    do throws(FileError) {
      try OpenFile(temporary, .writeOnly, [.create, .exclusiveCreate, .closeOnExec]).write(bytes)
      guard rename(temporary, path) == 0 else {
        throw FileError("rename \(temporary) to", path, Errno(rawValue: errno))
      }
    } catch {
      remove(temporary)
      throw error
    }
  }

  /// Writes a new file and synchronizes it.
  /// - Parameter times: the access time and the mtime in seconds since 1970; the current time when `nil`.
  package func writeNew(
    _ bytes: [UInt8],
    to path: String,
    times: (accessTime: Int64, modificationTime: Int)? = nil
  ) throws(FileError) {
    try makeDirectory(Self.parent(of: path))
    let file = try OpenFile(path, .writeOnly, [.create, .exclusiveCreate, .closeOnExec])
    do {
      try file.write(bytes)
      if let times { try file.setTimes(accessTime: times.accessTime, modificationTime: times.modificationTime) }
      try file.synchronize()
    } catch {
      remove(path)
      throw error
    }
  }

  /// The content of a small file; `nil` when the file does not exist.
  /// - Parameter limit: the largest size in bytes; a larger file is an error.
  package func read(_ path: String, limit: Int) throws(FileError) -> [UInt8]? {
    guard let file = try open(path) else { return nil }
    guard let bytes = try read(file, upTo: limit) else { throw FileError("read", path, .fileTooLarge) }
    return bytes
  }

  /// Opens a file for reading; returns `nil` when the file does not exist.
  func open(_ path: String) throws(FileError) -> OpenFile? {
    do {
      return try OpenFile(reading: path)
    } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
      return nil
    }
  }

  /// The content of a file; `nil` when the file is larger than the limit in bytes.
  func read(_ file: OpenFile, upTo limit: Int) throws(FileError) -> [UInt8]? {
    // Most files are small: one read returns the bytes and shows the end of the file.
    var capacity = min(Self.usualRecordSize, limit + 1)
    while true {
      let bytes = try readStart(of: file, capacity: capacity)
      guard bytes.count <= limit else { return nil }
      if bytes.count < capacity { return bytes }
      let size = Int(try file.size())
      guard size <= limit else { return nil }
      capacity = min(max(capacity, size) + 1, limit + 1)
    }
  }

  /// The beginning of a file, at most `capacity` bytes.
  private func readStart(of file: OpenFile, capacity: Int) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      do throws(FileError) {
        while count < capacity {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
          let read = try file.read(into: rest, at: Int64(count))
          count += read
          // A short read is the end of a regular file; only after a full buffer there may be more.
          if read < rest.count { return }
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The size of a regular file in bytes; `nil` when the file does not exist, or is too large for the store.
  package func size(of path: String) -> Int64? { status(of: path)?.size }

  /// Removes a file if it exists.
  /// - Returns: true if the file existed and is removed.
  @discardableResult
  package func remove(_ path: String) -> Bool { unlink(path) == 0 }

  /// The path of the directory that contains a file.
  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }
}
