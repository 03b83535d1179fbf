import Foundation

/// Paths of the programs that tests run.
package enum Executable {
  /// The directories of programs: Debian keeps servers in `sbin`, which is not on every user's path.
  static let searchPath: String = {
    let own = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return "\(own):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  }()

  package struct NotFound: Error, CustomStringConvertible {
    package let name: String
    package var description: String { "program '\(name)' is not installed: run 'make test', which installs it" }
  }

  /// Returns the path of a program.
  package static func find(_ name: String) throws -> String {
    if name.contains("/") {
      guard FileManager.default.isExecutableFile(atPath: name) else { throw NotFound(name: name) }
      return name
    }
    for directory in searchPath.split(separator: ":") {
      let path = "\(directory)/\(name)"
      if FileManager.default.isExecutableFile(atPath: path) { return path }
    }
    throw NotFound(name: name)
  }

  /// Returns the path of the worker: `REGPROXY_BIN`, or the program built next to the tests.
  package static func worker() throws -> String {
    if let given = ProcessInfo.processInfo.environment["REGPROXY_BIN"], !given.isEmpty { return try find(given) }
    return try built("regproxy-fcgi")
  }

  /// Returns the path of the library that kills a process at a step of a write.
  package static func crashPoint() throws -> String { try built("libCrashPoint.so") }

  /// Returns the path of a file built next to the tests.
  private static func built(_ name: String) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var directory = URL(fileURLWithPath: tests).deletingLastPathComponent()
    // The bundle of another platform is a directory: search a few levels up.
    for _ in 0..<4 {
      let candidate = directory.appendingPathComponent(name).path
      var isDirectory: ObjCBool = false
      if FileManager.default.fileExists(atPath: candidate, isDirectory: &isDirectory), !isDirectory.boolValue {
        return candidate
      }
      directory.deleteLastPathComponent()
    }
    throw NotFound(name: name)
  }
}
