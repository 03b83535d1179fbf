internal import Glibc

/// Where log lines go: a file that can be opened anew after rotation, or standard error.
final class LogOutput: Sendable {
  private let path: String?
  private let descriptor: Int32

  /// - Parameter path: a file to append to; `nil` for standard error.
  init(path: String?) throws(LogError) {
    self.path = path
    self.descriptor = if let path { try Self.open(path) } else { STDERR_FILENO }
  }

  deinit {
    if path != nil { close(descriptor) }
  }

  /// Writes a line in one piece, so that the lines of several threads and processes do not mix.
  ///
  /// Without a lock: the file is open for appending, and the system orders the writes.
  func write(_ line: [UInt8]) {
    line.withUnsafeBytes { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  /// Opens the file anew, for log rotation; the old one stays in use when that fails.
  func reopen() throws(LogError) {
    guard let path else { return }
    let new = try Self.open(path)
    defer { close(new) }
    // The descriptor keeps its number, so who is writing at this moment writes to the one file or to the other.
    guard dup2(new, descriptor) >= 0 else { throw LogError(path: path, errno: errno) }
  }

  private static func open(_ path: String) throws(LogError) -> Int32 {
    let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw LogError(path: path, errno: errno) }
    return descriptor
  }
}

/// A log file that cannot be opened.
struct LogError: Error, CustomStringConvertible {
  let path: String
  let reason: String

  init(path: String, errno: Int32) {
    self.path = path
    self.reason = String(cString: strerror(errno))
  }

  var description: String { "cannot open the log file \(path): \(reason)" }
}
