internal import Glibc
internal import SystemPackage

/// The steps of the write protocol: a file appears under its name complete, or not at all, whenever the power goes.
///
/// All of it blocks.
package struct FileSystem: Sendable {
  /// setgid, so that nginx's group, which the store's root belongs to, can read what is made below.
  private static let directoryMode: mode_t = 0o2750

  /// No blob is larger; a file that says so has been spoilt, and sums of sizes stay small. In bytes.
  static let largestFile: Int64 = 16 << 40

  /// Larger than nearly every manifest and record. In bytes.
  private static let usualRecordSize = 8 << 10

  package init() {}

  /// Makes a directory and those above it; one that exists is fine.
  package func makeDirectory(_ path: String) throws(FileError) {
    if mkdir(path, Self.directoryMode) == 0 {
      // The mask of the process may have taken bits away.
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

  /// Gives a file that is on the disk its final name, and brings the name to the disk too.
  package func promote(_ source: String, to destination: String) throws(FileError) {
    let directory = Self.parent(of: destination)
    try makeDirectory(directory)
    // Opened before, so that nothing but the disk can fail once the file has its name.
    let opened = try OpenFile(directory, .readOnly, [.directory, .closeOnExec])
    guard rename(source, destination) == 0 else {
      throw FileError("rename \(source) to", destination, Errno(rawValue: errno))
    }
    try opened.synchronize()
  }

  /// Writes a small file so that it is never seen half.
  /// - Parameter temporary: a path in the same file system that nobody else uses.
  package func writeAtomically(_ bytes: [UInt8], to path: String, by temporary: String) throws(FileError) {
    try writeNew(bytes, to: temporary)
    do {
      try promote(temporary, to: path)
    } catch {
      remove(temporary)
      throw error
    }
  }

  /// Writes a small file so that no process sees it half. It is not brought to the disk.
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

  /// Writes a new file and brings it to the disk.
  /// - Parameter times: those of the last use and of the last change, in seconds since 1970; now without it.
  package func writeNew(
    _ bytes: [UInt8],
    to path: String,
    times: (used: Int64, changed: Int)? = nil
  ) throws(FileError) {
    try makeDirectory(Self.parent(of: path))
    let file = try OpenFile(path, .writeOnly, [.create, .exclusiveCreate, .closeOnExec])
    do {
      try file.write(bytes)
      if let times { try file.setTimes(used: times.used, changed: times.changed) }
      try file.synchronize()
    } catch {
      remove(path)
      throw error
    }
  }

  /// The content of a small file; `nil` when there is none.
  /// - Parameter limit: the most it may be, in bytes; a larger one is an error.
  package func read(_ path: String, limit: Int) throws(FileError) -> [UInt8]? {
    guard let file = try open(path) else { return nil }
    guard let bytes = try read(file, upTo: limit) else { throw FileError("read", path, .fileTooLarge) }
    return bytes
  }

  /// Opens a file for reading; `nil` when there is none.
  func open(_ path: String) throws(FileError) -> OpenFile? {
    do {
      return try OpenFile(reading: path)
    } catch  where error.errno == .noSuchFileOrDirectory || error.errno == .notDirectory {
      return nil
    }
  }

  /// The content of a file; `nil` when it is more than a number of bytes.
  func read(_ file: OpenFile, upTo limit: Int) throws(FileError) -> [UInt8]? {
    // Most are small: one read finds the bytes, and that there are no more.
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

  /// What there is of a file, up to a number of bytes.
  private func readStart(of file: OpenFile, capacity: Int) throws(FileError) -> [UInt8] {
    var failure: FileError?
    let bytes = [UInt8](unsafeUninitializedCapacity: capacity) { buffer, count in
      do throws(FileError) {
        while count < capacity {
          let rest = UnsafeMutableRawBufferPointer(rebasing: UnsafeMutableRawBufferPointer(buffer)[count...])
          let read = try file.read(into: rest, at: Int64(count))
          count += read
          // The end of a regular file; only a full buffer leaves it open whether there is more.
          if read < rest.count { return }
        }
      } catch {
        failure = error
      }
    }
    if let failure { throw failure }
    return bytes
  }

  /// The size of a regular file in bytes; `nil` when there is none, or it is too large to be one of ours.
  package func size(of path: String) -> Int64? { status(of: path)?.size }

  /// Removes a file; one that is not there is fine.
  /// - Returns: whether it was there, and has gone.
  @discardableResult
  package func remove(_ path: String) -> Bool { unlink(path) == 0 }

  package static func parent(of path: String) -> String {
    guard let slash = path.lastIndex(of: "/"), slash != path.startIndex else { return "/" }
    return String(path[..<slash])
  }
}
