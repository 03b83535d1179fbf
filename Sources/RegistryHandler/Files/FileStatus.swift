internal import Glibc

/// The size and the times of a regular file, read without opening it.
package struct FileStatus: Equatable, Sendable {
  /// The size in bytes.
  package let size: Int64
  /// The access time in seconds since 1970.
  package let accessTime: Int64
  /// The mtime in seconds since 1970.
  package let modificationTime: Int64

  /// The range that times are clamped to, in seconds since 1970, so that no difference of times overflows.
  private static let times: ClosedRange<Int64> = 0...(1 << 40)

  /// Takes over the result of `lstat`; returns `nil` for a file that is not regular, or too large for the store.
  init?(_ status: stat) {
    guard status.st_mode & S_IFMT == S_IFREG, status.st_size <= FileSystem.largestFile else { return nil }
    size = Int64(status.st_size)
    accessTime = Self.clamped(status.st_atim.seconds)
    modificationTime = Self.clamped(status.st_mtim.seconds)
  }

  private static func clamped(_ seconds: Int64) -> Int64 { min(max(seconds, times.lowerBound), times.upperBound) }
}
