import Foundation

/// Where programs are.
package enum Executable {
  /// Debian keeps servers in `sbin`, which is not on everybody's path.
  static let searchPath: String = {
    let own = ProcessInfo.processInfo.environment["PATH"] ?? ""
    return "\(own):/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
  }()

  package struct NotFound: Error, CustomStringConvertible {
    package let name: String
    package var description: String { "there is no program '\(name)' on this machine; 'make test' installs it" }
  }

  /// The path of a program.
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

  /// The worker's binary: `REGPROXY_BIN`, or the one that was built next to the tests.
  package static func worker() throws -> String {
    if let given = ProcessInfo.processInfo.environment["REGPROXY_BIN"], !given.isEmpty { return try find(given) }
    return try built("regproxy-fcgi")
  }

  /// The library that kills a process at a step of a write.
  package static func crashPoint() throws -> String { try built("libCrashPoint.so") }

  /// A file that was built next to the tests.
  private static func built(_ name: String) throws -> String {
    let tests = try FileManager.default.destinationOfSymbolicLink(atPath: "/proc/self/exe")
    var directory = URL(fileURLWithPath: tests).deletingLastPathComponent()
    // The bundle of another platform is a directory; look a few levels up.
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
