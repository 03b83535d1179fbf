internal import ArgumentParser
internal import Glibc

/// The exit statuses of failures. <https://man.openbsd.org/sysexits.3>
enum ExitStatus: Int32 {
  /// Invalid arguments.
  case usage = 64
  /// Damaged data.
  case dataError = 65
  /// A missing store or name.
  case noInput = 66
  /// An unavailable resource: store, socket or upstream.
  case unavailable = 69
  /// A failed operation of the system.
  case system = 71
  /// An invalid configuration.
  case configuration = 78
}

extension ExitCode {
  /// Prints a message on standard error and returns the error that ends the program with the status.
  static func failure(_ message: String, _ status: ExitStatus) -> ExitCode {
    let line = Array("regproxy-fcgi: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    return ExitCode(status.rawValue)
  }
}
