internal import Glibc
internal import Synchronization

/// Where log lines go: a file that can be opened anew after rotation, or standard error.
final class LogOutput: Sendable {
  private let path: String?
  private let descriptor: Mutex<Int32>

  /// - Parameter path: a file to append to; `nil` for standard error.
  init(path: String?) throws(LogError) {
    self.path = path
    self.descriptor = Mutex(try Self.open(path))
  }

  deinit {
    let descriptor = descriptor.withLock { $0 }
    if descriptor != STDERR_FILENO { close(descriptor) }
  }

  /// Writes a line in one piece, so that the lines of several processes do not mix.
  func write(_ line: String) {
    var line = line
    descriptor.withLock { descriptor in
      line.withUTF8 { _ = Glibc.write(descriptor, $0.baseAddress, $0.count) }
    }
  }

  /// Opens the file anew, for log rotation; the old one stays in use when that fails.
  func reopen() throws(LogError) {
    let new = try Self.open(path)
    let old = descriptor.withLock { descriptor in
      defer { descriptor = new }
      return descriptor
    }
    if old != STDERR_FILENO { close(old) }
  }

  private static func open(_ path: String?) throws(LogError) -> Int32 {
    guard let path else { return STDERR_FILENO }
    let descriptor = Glibc.open(path, O_WRONLY | O_APPEND | O_CREAT | O_CLOEXEC, 0o640)
    guard descriptor >= 0 else { throw LogError(path: path, reason: String(cString: strerror(errno))) }
    return descriptor
  }
}

/// A log file that cannot be opened.
struct LogError: Error, CustomStringConvertible {
  let path: String
  let reason: String

  var description: String { "cannot open the log file \(path): \(reason)" }
}
