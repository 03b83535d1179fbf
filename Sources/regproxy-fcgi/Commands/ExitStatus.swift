internal import ArgumentParser
internal import Glibc

/// The ways to fail, as scripts can tell them apart. <https://man.openbsd.org/sysexits.3>
enum ExitStatus: Int32 {
  /// The arguments do not fit.
  case usage = 64
  /// What is there is not what it should be.
  case dataError = 65
  /// What is named is not there.
  case noInput = 66
  /// A service this one needs is not there.
  case unavailable = 69
  /// An operation of the system failed.
  case system = 71
  /// The configuration is wrong.
  case configuration = 78
}

extension ExitCode {
  /// Prints a sentence on standard error and returns the error that ends the program with the status.
  static func failure(_ message: String, _ status: ExitStatus) -> ExitCode {
    let line = Array("regproxy-fcgi: \(message)\n".utf8)
    _ = write(STDERR_FILENO, line, line.count)
    return ExitCode(status.rawValue)
  }
}
