internal import Glibc
package import NIOCore
package import SystemPackage

/// An open file that closes itself. Reads and writes name their offset, so that threads can share it.
package final class OpenFile: Sendable {
  package let path: String
  let descriptor: SystemPackage.FileDescriptor

  package init(_ descriptor: SystemPackage.FileDescriptor, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens a file for reading and leaves its access time alone: that is set when the file is served. Blocks.
  package convenience init(reading path: String) throws(FileError) {
    do throws(FileError) {
      try self.init(path, .readOnly, [.closeOnExec, .noFollow, Self.noAccessTime])
    } catch  where error.errno == .notPermitted {
      // Only the owner may use O_NOATIME.
      try self.init(path, .readOnly, [.closeOnExec, .noFollow])
    }
  }

  /// `O_NOATIME`, which cannot be imported as a constant. <https://man7.org/linux/man-pages/man2/open.2.html>
  private static let noAccessTime = SystemPackage.FileDescriptor.OpenOptions(rawValue: 0o1_000_000)

  package convenience init(
    _ path: String,
    _ mode: SystemPackage.FileDescriptor.AccessMode,
    _ options: SystemPackage.FileDescriptor.OpenOptions
  ) throws(FileError) {
    do {
      let descriptor = try path.withCString { path in
        try SystemPackage.FileDescriptor.open(
          path,
          mode,
          options: options,
          permissions: FilePermissions(rawValue: 0o640),
          retryOnInterrupt: true
        )
      }
      self.init(descriptor, path: path)
    } catch {
      throw FileError("open", path, Self.errno(of: error))
    }
  }

  deinit { try? descriptor.close() }

  /// Returns the size in bytes; throws when the file is too large for the store.
  package func size() throws(FileError) -> Int64 {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else { throw failure("examine") }
    guard status.st_size <= FileSystem.largestFile else { throw FileError("examine", path, .fileTooLarge) }
    return Int64(status.st_size)
  }

  /// Reads bytes at an offset and returns their number, 0 at the end of the file. Blocks.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
    do {
      return try descriptor.read(fromAbsoluteOffset: offset, into: buffer)
    } catch {
      throw FileError("read", path, Self.errno(of: error))
    }
  }

  /// Sends the beginning of a part of the file to a socket, without a copy in this process.
  ///
  /// A part beyond the end of the file is an error. <https://man7.org/linux/man-pages/man2/sendfile.2.html>
  /// - Returns: the number of bytes sent; `nil` when a socket that does not block takes none now.
  package func sendAvailable(_ part: Range<Int64>, to socket: Int32) throws(FileError) -> Int64? {
    var offset = off_t(part.lowerBound)
    while true {
      let count = sendfile(socket, descriptor.rawValue, &offset, part.count)
      if count > 0 { return Int64(count) }
      guard count < 0 else { throw FileError("send", path, .ioError) }
      switch Glibc.errno {
      case EINTR: continue
      case EAGAIN: return nil
      default: throw failure("send")
      }
    }
  }

  /// Writes all bytes at an offset. Blocks.
  package func write(_ bytes: ByteBuffer, at offset: Int64) throws(FileError) {
    do {
      _ = try bytes.withUnsafeReadableBytes { try descriptor.writeAll(toAbsoluteOffset: offset, $0) }
    } catch {
      throw FileError("write", path, Self.errno(of: error))
    }
  }

  /// Writes all bytes at the beginning of the file. Blocks.
  package func write(_ bytes: [UInt8]) throws(FileError) {
    do {
      _ = try descriptor.writeAll(toAbsoluteOffset: 0, bytes)
    } catch {
      throw FileError("write", path, Self.errno(of: error))
    }
  }

  /// Brings the content to the disk. Blocks.
  package func synchronize() throws(FileError) {
    guard fsync(descriptor.rawValue) == 0 else { throw failure("fsync") }
  }

  /// Sets the access time and the mtime, in seconds since 1970. A fixed mtime gives the same blob the same validator on
  /// every node.
  package func setTimes(accessTime: Int64, modificationTime: Int) throws(FileError) {
    let times = [timespec(tv_sec: Int(accessTime), tv_nsec: 0), timespec(tv_sec: modificationTime, tv_nsec: 0)]
    guard futimens(descriptor.rawValue, times) == 0 else { throw failure("set the time of") }
  }

  /// Tries to take the exclusive lock; returns false when another process, or another opening of the file, holds it.
  package func tryLock() -> Bool { flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 }

  /// Takes the exclusive lock. Blocks while another opening of the file holds it.
  package func lock() { while flock(descriptor.rawValue, LOCK_EX) != 0, Glibc.errno == EINTR {} }

  /// Releases the lock and removes the marks, although the file stays open for its readers.
  package func unlock() {
    removeMarks()
    flock(descriptor.rawValue, LOCK_UN)
  }

  /// Returns whether the path still leads to this file.
  package func isStillAtItsPath() -> Bool { isAt(path) }

  /// Returns whether a path leads to this file.
  package func isAt(_ path: String) -> Bool {
    var (mine, other) = (stat(), stat())
    return fstat(descriptor.rawValue, &mine) == 0 && lstat(path, &other) == 0 && Self.isSame(mine, other)
  }

  /// Returns whether another opening is of this file.
  package func isSame(as file: OpenFile) -> Bool {
    var (mine, other) = (stat(), stat())
    return fstat(descriptor.rawValue, &mine) == 0 && fstat(file.descriptor.rawValue, &other) == 0
      && Self.isSame(mine, other)
  }

  private static func isSame(_ one: stat, _ other: stat) -> Bool {
    one.st_ino == other.st_ino && one.st_dev == other.st_dev
  }

  func failure(_ operation: String) -> FileError {
    FileError(operation, path, Errno(rawValue: Glibc.errno))
  }

  private static func errno(of error: any Error) -> Errno { error as? Errno ?? .ioError }
}
