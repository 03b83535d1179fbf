internal import Glibc

/// A worker thread that cannot start or continue.
enum WorkerError: Error, CustomStringConvertible {
  case noDescriptor(Int32)
  case noThread

  var description: String {
    switch self {
    case .noDescriptor(let code): "no descriptor for a worker thread: \(String(cString: strerror(code)))"
    case .noThread: "the system starts no worker thread: raise its process limit"
    }
  }
}
