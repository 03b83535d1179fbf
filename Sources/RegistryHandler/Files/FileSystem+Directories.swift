internal import Glibc

/// What is known of a file without opening it.
package struct FileStatus: Equatable, Sendable {
  /// In bytes.
  package let size: Int64
  /// In seconds since 1970.
  package let accessTime: Int64
  /// When its content changed last, in seconds since 1970.
  package let modificationTime: Int64

  /// Times beyond all clocks are taken for the last one, so that no difference of times is too large. In seconds since 1970.
  private static let times: ClosedRange<Int64> = 0...(1 << 40)

  /// `nil` when it is no regular file, or too large to be one of ours.
  init?(_ status: stat) {
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= FileSystem.largestFile else { return nil }
    size = Int64(status.st_size)
    accessTime = Self.seconds(status.st_atim)
    modificationTime = Self.seconds(status.st_mtim)
  }

  /// The first field; its name is not to be had in every build.
  private static func seconds(_ time: timespec) -> Int64 {
    let seconds = withUnsafeBytes(of: time) { Int64($0.load(as: Int.self)) }
    return min(max(seconds, times.lowerBound), times.upperBound)
  }
}

extension FileSystem {
  /// The names in a directory, in no order; none where there is no directory. Blocks.
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

  /// What is known of a regular file; `nil` when there is none, or it is too large to be one of ours.
  package func status(of path: String) -> FileStatus? {
    var status = stat()
    guard lstat(path, &status) == 0 else { return nil }
    return FileStatus(status)
  }

  /// Records a use of a file, and changes nothing else of it.
  package func setAccessTime(of path: String, to seconds: Int64) {
    let times = [timespec(tv_sec: Int(seconds), tv_nsec: 0), timespec(tv_sec: 0, tv_nsec: Self.omit)]
    utimensat(AT_FDCWD, path, times, AT_SYMLINK_NOFOLLOW)
  }

  /// What is left for others in the file system of a path, in bytes; `nil` when that is not to be known.
  package func freeSpace(at path: String) -> Int64? {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { return nil }
    return Int64(
      clamping: UInt64(status.f_bavail).multipliedReportingOverflow(by: UInt64(status.f_frsize)).partialValue
    )
  }

  /// Removes a directory that is empty; any other stays.
  package func removeIfEmpty(_ path: String) { rmdir(path) }

  /// `UTIME_OMIT`, which is no constant that can be imported. <https://man7.org/linux/man-pages/man2/utimensat.2.html>
  private static let omit = (1 << 30) - 2
}
