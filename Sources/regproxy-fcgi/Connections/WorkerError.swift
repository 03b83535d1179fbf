internal import Glibc

/// An event loop that cannot start.
enum WorkerError: Error, CustomStringConvertible {
  case noDescriptor(Int32)
  case noThread

  var description: String {
    switch self {
    case .noDescriptor(let code): "no descriptor for an event loop: \(String(cString: strerror(code)))"
    case .noThread: "the system starts no event loop: raise its process limit"
    }
  }
}
