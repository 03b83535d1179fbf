internal import Glibc

/// A log file that cannot be opened.
struct LogError: Error, CustomStringConvertible {
  let path: String
  let reason: String

  init(path: String, errno: Int32) {
    self.path = path
    self.reason = String(cString: strerror(errno))
  }

  var description: String { "cannot open the log file \(path): \(reason); check 'log.file' and its directory's mode" }
}
