internal import Glibc
package import NIOCore
package import SystemPackage

/// An open file that closes itself. Reading and writing name their offset, so threads can share it.
package final class OpenFile: Sendable {
  package let path: String
  private let descriptor: SystemPackage.FileDescriptor

  package init(_ descriptor: SystemPackage.FileDescriptor, path: String) {
    self.descriptor = descriptor
    self.path = path
  }

  /// Opens a file for reading; that is no use of it, which is recorded as its access time when it is served. Blocks.
  package convenience init(reading path: String) throws(FileError) {
    do throws(FileError) {
      try self.init(path, .readOnly, [.closeOnExec, .noFollow, Self.noAccessTime])
    } catch  where error.errno == .notPermitted {
      // Only the owner may leave the time as it is.
      try self.init(path, .readOnly, [.closeOnExec, .noFollow])
    }
  }

  /// `O_NOATIME`, which is no constant that can be imported. <https://man7.org/linux/man-pages/man2/open.2.html>
  private static let noAccessTime = SystemPackage.FileDescriptor.OpenOptions(rawValue: 0o1_000_000)

  package convenience init(
    _ path: String,
    _ mode: SystemPackage.FileDescriptor.AccessMode,
    _ options: SystemPackage.FileDescriptor.OpenOptions
  ) throws(FileError) {
    do {
      let descriptor = try SystemPackage.FileDescriptor.open(
        FilePath(path),
        mode,
        options: options,
        permissions: FilePermissions(rawValue: 0o640),
        retryOnInterrupt: true
      )
      self.init(descriptor, path: path)
    } catch {
      throw FileError("open", path, Self.errno(of: error))
    }
  }

  deinit { try? descriptor.close() }

  /// The size in bytes; a file that is too large to be one of ours is an error.
  package func size() throws(FileError) -> Int64 {
    var status = stat()
    guard fstat(descriptor.rawValue, &status) == 0 else { throw failure("examine") }
    guard status.st_size <= FileSystem.largestFile else { throw FileError("examine", path, .fileTooLarge) }
    return Int64(status.st_size)
  }

  /// Reads what is there at an offset, 0 at the end. Blocks.
  package func read(into buffer: UnsafeMutableRawBufferPointer, at offset: Int64) throws(FileError) -> Int {
    do {
      return try descriptor.read(fromAbsoluteOffset: offset, into: buffer)
    } catch {
      throw FileError("read", path, Self.errno(of: error))
    }
  }

  /// Sends a part of it to a socket, without a copy in this process. Blocks while the socket takes none.
  ///
  /// A file that ends before the part does is an error. <https://man7.org/linux/man-pages/man2/sendfile.2.html>
  package func send(_ part: Range<Int64>, to socket: Int32) throws(FileError) {
    var offset = off_t(part.lowerBound)
    while offset < part.upperBound {
      let count = sendfile(socket, descriptor.rawValue, &offset, Int(part.upperBound) - offset)
      if count < 0, Glibc.errno == EINTR { continue }
      guard count >= 0 else { throw failure("send") }
      guard count > 0 else { throw FileError("send", path, .ioError) }
    }
  }

  /// Writes all of it at an offset. Blocks.
  package func write(_ bytes: ByteBuffer, at offset: Int64) throws(FileError) {
    do {
      _ = try bytes.withUnsafeReadableBytes { try descriptor.writeAll(toAbsoluteOffset: offset, $0) }
    } catch {
      throw FileError("write", path, Self.errno(of: error))
    }
  }

  /// Writes all of it at the beginning. Blocks.
  package func write(_ bytes: [UInt8]) throws(FileError) {
    do {
      _ = try descriptor.writeAll(toAbsoluteOffset: 0, bytes)
    } catch {
      throw FileError("write", path, Self.errno(of: error))
    }
  }

  /// Blocks until the bytes are on the disk.
  package func synchronize() throws(FileError) {
    guard fsync(descriptor.rawValue) == 0 else { throw failure("fsync") }
  }

  /// Sets the times of the last use and of the last change, the latter so that the same blob has the same validator on
  /// every node. In seconds since 1970.
  package func setTimes(used: Int64, changed: Int) throws(FileError) {
    let times = [timespec(tv_sec: Int(used), tv_nsec: 0), timespec(tv_sec: changed, tv_nsec: 0)]
    guard futimens(descriptor.rawValue, times) == 0 else { throw failure("set the time of") }
  }

  /// Takes the exclusive lock without waiting; false when another process, or another opening of the file, has it.
  package func tryLock() -> Bool { flock(descriptor.rawValue, LOCK_EX | LOCK_NB) == 0 }

  /// Waits for the exclusive lock. Blocks.
  package func lock() { while flock(descriptor.rawValue, LOCK_EX) != 0, Glibc.errno == EINTR {} }

  /// Gives the lock and the notes up, although the file stays open for those who read it.
  package func unlock() {
    setNotes(F_UNLCK, Self.notes)
    flock(descriptor.rawValue, LOCK_UN)
  }

  // MARK: - Notes

  /// Tells whoever else has the file open that the record beside it is of the process that has the lock.
  package func noteRecord() throws(FileError) {
    guard setNote(F_WRLCK, at: Self.recordNote) else { throw failure("lock the end of") }
  }

  /// True while another opening of the file has noted its record.
  package var isRecordNoted: Bool { hasNote(at: Self.recordNote) }

  /// Tells whoever else has the file open which upstream the process asks that has the lock. Without it they wait for less.
  package func note(asking upstream: UpstreamName) { setNote(F_WRLCK, at: Self.notePosition(of: upstream)) }

  /// Tells whether another opening of the file has noted this upstream.
  package func isNoted(asking upstream: UpstreamName) -> Bool { hasNote(at: Self.notePosition(of: upstream)) }

  /// `F_OFD_GETLK` and `F_OFD_SETLK` of Linux, which Glibc's module does not have.
  private static let (getLock, setLock): (Int32, Int32) = (36, 37)

  /// A note is a lock of a byte beyond all content, and so it ends with the process.
  /// <https://man7.org/linux/man-pages/man2/fcntl_locking.2.html>
  private static let (notes, recordNote): (Range<Int64>, Int64) = (1 << 62..<(1 << 62) + (1 << 32) + 1, 1 << 62)

  /// Names that share a byte are taken for the same, which costs a client a longer wait.
  private static func notePosition(of upstream: UpstreamName) -> Int64 {
    var hash: UInt32 = 2_166_136_261
    for byte in upstream.description.utf8 { hash = (hash ^ UInt32(byte)) &* 16_777_619 }
    return recordNote + 1 + Int64(hash)
  }

  private func hasNote(at offset: Int64) -> Bool {
    var lock = Self.lock(F_WRLCK, offset..<offset + 1)
    return withUnsafeMutablePointer(to: &lock) { fcntl(descriptor.rawValue, Self.getLock, $0) } == 0
      && lock.l_type != Int16(F_UNLCK)
  }

  @discardableResult
  private func setNote(_ type: Int32, at offset: Int64) -> Bool { setNotes(type, offset..<offset + 1) }

  @discardableResult
  private func setNotes(_ type: Int32, _ range: Range<Int64>) -> Bool {
    var lock = Self.lock(type, range)
    return withUnsafeMutablePointer(to: &lock) { fcntl(descriptor.rawValue, Self.setLock, $0) } == 0
  }

  private static func lock(_ type: Int32, _ range: Range<Int64>) -> flock {
    flock(
      l_type: Int16(type),
      l_whence: Int16(SEEK_SET),
      l_start: off_t(range.lowerBound),
      l_len: off_t(range.count),
      l_pid: 0
    )
  }

  /// Whether the path still leads to this very file.
  package func isStillAtItsPath() -> Bool { isAt(path) }

  /// Whether a path leads to this very file.
  package func isAt(_ path: String) -> Bool {
    var (mine, other) = (stat(), stat())
    return fstat(descriptor.rawValue, &mine) == 0 && lstat(path, &other) == 0 && Self.isSame(mine, other)
  }

  /// Whether another opening is of this very file.
  package func isSame(as file: OpenFile) -> Bool {
    var (mine, other) = (stat(), stat())
    return fstat(descriptor.rawValue, &mine) == 0 && fstat(file.descriptor.rawValue, &other) == 0
      && Self.isSame(mine, other)
  }

  private static func isSame(_ one: stat, _ other: stat) -> Bool {
    one.st_ino == other.st_ino && one.st_dev == other.st_dev
  }

  private func failure(_ operation: String) -> FileError {
    FileError(operation, path, Errno(rawValue: Glibc.errno))
  }

  private static func errno(of error: any Error) -> Errno { error as? Errno ?? .ioError }
}
