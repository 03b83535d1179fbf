internal import Glibc

extension FileSystem {
  /// The names in a directory, in no order; none when the directory does not exist. Blocks.
  package func entries(of path: String) -> [String] {
    guard let directory = opendir(path) else { return [] }
    defer { closedir(directory) }
    var names: [String] = []
    while let entry = readdir(directory) {
      let name = withUnsafeBytes(of: entry.pointee.d_name) { String(decoding: $0.prefix { $0 != 0 }, as: UTF8.self) }
      if name != ".", name != ".." { names.append(name) }
    }
    return names
  }

  /// The size and the times of a regular file; `nil` when the file does not exist, or is too large for the store.
  package func status(of path: String) -> FileStatus? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return FileStatus(status)
  }

  /// Sets the access time of a file and leaves its mtime alone.
  package func setAccessTime(of path: String, to seconds: Int64) {
    let times = [timespec(tv_sec: Int(seconds), tv_nsec: 0), timespec(tv_sec: 0, tv_nsec: Self.omit)]
    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)
  }

  /// The space that an unprivileged process may still use in the file system of a path, in bytes; `nil` when unknown.
  package func freeSpace(at path: String) -> Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int64(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue
    )
  }

  /// Returns whether anything is at a path.
  package func exists(_ path: String) -> Bool { faccessat(AT_FDCWD, path, F_OK, AT_SYMLINK_NOFOLLOW) == 0 }

  /// Returns whether entries can be created in a directory by the effective user.
  package func isWritableDirectory(_ path: String) -> Bool {
    faccessat(AT_FDCWD, "\(path)/.", W_OK | X_OK, AT_EACCESS) == 0
  }

  /// Removes a directory if it is empty.
  package func removeIfEmpty(_ path: String) { rmdir(path) }

  /// `UTIME_OMIT`, which cannot be imported as a constant. <https://man7.org/linux/man-pages/man2/utimensat.2.html>
  private static let omit = (1 << 30) - 2
}
