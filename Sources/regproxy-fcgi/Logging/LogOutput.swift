internal import Glibc

/// The destination of log lines: a file that can be reopened after rotation, or standard error.
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

  /// Writes a line with one system call, so that lines of several threads and processes do not mix.
  ///
  /// Takes no lock: the file is open for appending, and the system orders the writes.
  func write(_ line: [UInt8]) {
    line.withUnsafeBytes { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
  }

  /// Reopens the file after log rotation; the old file stays in use if that fails.
  func reopen() throws(LogError) {
    guard let path else { return }
    let new = try Self.open(path)
    defer { close(new) }
    // The descriptor keeps its number, so a concurrent write goes to the old file or to the new one.
    guard dup2(new, descriptor) >= 0 else { throw LogError(path: path, errno: errno) }
  }

  private static func open(_ path: String) throws(LogError) -> Int32 {
    let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw LogError(path: path, errno: errno) }
    return descriptor
  }
}
