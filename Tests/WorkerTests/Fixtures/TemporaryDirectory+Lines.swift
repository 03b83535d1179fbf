internal import Foundation
internal import RegistryTestSupport

extension TemporaryDirectory {
  /// Returns the lines of a file.
  func lines(of name: String) throws -> [String] {
    try String(contentsOfFile: path(name), encoding: .utf8).split(separator: "\n").map(String.init)
  }
}
