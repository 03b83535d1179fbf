internal import Glibc
internal import SystemPackage

/// The marks that the writer of a file sets for its followers.
///
/// A mark is an advisory OFD lock on a byte beyond all content, and so it ends with the process.
/// <https://man7.org/linux/man-pages/man2/fcntl_locking.2.html>
extension OpenFile {
  /// Marks the record beside the file as written by the process that holds the lock.
  package func markRecord() throws(FileError) {
    guard setMark(at: Self.recordMark) else { throw failure("lock the end of") }
  }

  /// True while another opening of the file has marked its record.
  package var isRecordMarked: Bool { hasMark(at: Self.recordMark) }

  /// Marks the upstream that the holder of the lock requests the blob from. Without the mark, followers wait for less.
  package func markRequest(to upstream: UpstreamName) { setMark(at: Self.requestMark(for: upstream)) }

  /// Returns whether another opening of the file has marked a request to this upstream.
  package func isRequestMarked(to upstream: UpstreamName) -> Bool { hasMark(at: Self.requestMark(for: upstream)) }

  /// Removes all marks that this opening of the file has set.
  func removeMarks() { _ = setLock(F_UNLCK, on: Self.marks) }

  /// The result of setting a mark.
  enum MarkResult: Equatable, Sendable {
    case set
    /// Another opening of the file has the mark.
    case taken
    /// The file system or the sandbox has no such locks.
    case unsupported
  }

  func tryMark(at offset: Int64) -> MarkResult {
    if setMark(at: offset) { return .set }
    return [EAGAIN, EACCES].contains(Glibc.errno) ? .taken : .unsupported
  }

  /// Returns whether another opening of the file has the mark at an offset.
  func isMarked(at offset: Int64) -> Bool { hasMark(at: offset) }

  func removeMark(at offset: Int64) { _ = setLock(F_UNLCK, on: offset..<offset + 1) }

  /// `F_OFD_GETLK` and `F_OFD_SETLK` of Linux, which Glibc's module lacks.
  private static let (getLockCommand, setLockCommand): (Int32, Int32) = (36, 37)

  /// The offset of the record's mark, followed by those of the requests.
  private static let recordMark: Int64 = 1 << 62

  /// The offsets of all marks.
  private static let marks = recordMark..<recordMark + (1 << 32) + 1

  /// The offset of a request's mark. Upstreams that share an offset are confused, which costs a client a longer wait.
  private static func requestMark(for upstream: UpstreamName) -> Int64 {
    recordMark + 1 + Int64(UInt32(truncatingIfNeeded: upstream.description.fnv1a))
  }

  private func hasMark(at offset: Int64) -> Bool {
    var lock = Self.makeLock(F_WRLCK, on: offset..<offset + 1)
    return withUnsafeMutablePointer(to: &lock) { fcntl(descriptor.rawValue, Self.getLockCommand, $0) } == 0
      && lock.l_type != Int16(F_UNLCK)
  }

  @discardableResult
  private func setMark(at offset: Int64) -> Bool { setLock(F_WRLCK, on: offset..<offset + 1) }

  private func setLock(_ type: Int32, on range: Range<Int64>) -> Bool {
    var lock = Self.makeLock(type, on: range)
    return withUnsafeMutablePointer(to: &lock) { fcntl(descriptor.rawValue, Self.setLockCommand, $0) } == 0
  }

  private static func makeLock(_ type: Int32, on range: Range<Int64>) -> flock {
    flock(
      l_type: Int16(type),
      l_whence: Int16(SEEK_SET),
      l_start: off_t(range.lowerBound),
      l_len: off_t(range.count),
      l_pid: 0
    )
  }
}
