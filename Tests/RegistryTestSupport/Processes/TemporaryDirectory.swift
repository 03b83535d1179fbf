import Foundation
import Glibc

/// A directory below `/tmp`, removed with the value; its path is short enough for Unix sockets (107 bytes).
package final class TemporaryDirectory: Sendable {
  package let path: String

  package init() throws {
    var template = Array("/tmp/rpx-XXXXXX".utf8CString)
    guard mkdtemp(&template) != nil else { throw SystemCallError("mkdtemp") }
    path = template.withUnsafeBufferPointer { $0.baseAddress.map { String(cString: $0) } ?? "" }
    // nginx's worker processes may run as a different user from the tests.
    chmod(path, 0o755)
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// Returns the path of a name inside.
  package func path(_ name: String) -> String { "\(path)/\(name)" }

  /// Writes a file inside and returns its path.
  @discardableResult
  package func write(_ text: String, to name: String) throws -> String {
    let file = path(name)
    try Data(text.utf8).write(to: URL(fileURLWithPath: file))
    return file
  }

  /// Creates a directory inside and returns its path.
  package func makeDirectory(_ name: String) throws -> String {
    let directory = path(name)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    return directory
  }
}
