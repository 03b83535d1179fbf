package import SystemPackage

/// A step on the store that the system refused.
package struct FileError: Error, Equatable, Sendable, CustomStringConvertible {
  package let operation: String
  package let path: String
  package let errno: Errno

  package init(_ operation: String, _ path: String, _ errno: Errno) {
    self.operation = operation
    self.path = path
    self.errno = errno
  }

  /// Whether the process or the system may open no more files.
  package var isOutOfDescriptors: Bool { [.tooManyOpenFiles, .tooManyOpenFilesInSystem].contains(errno) }

  package var description: String { "cannot \(operation) \(path): \(errno)" }
}
