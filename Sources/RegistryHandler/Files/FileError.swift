package import SystemPackage

/// A file operation that the system refused.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  package let operation: String
  package let path: String
  package let errno: Errno

  package init(_ operation: String, _ path: String, _ errno: Errno) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }

  /// True if the process or the system has reached its limit of open files.
  package var isOutOfDescriptors: Bool { [.tooManyOpenFiles, .tooManyOpenFilesInSystem].contains(errno) }

  package var description: String { "cannot \(operation) \(path): \(errno)" }
}
