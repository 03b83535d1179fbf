internal import SystemPackage

/// A listening socket that cannot be opened.
enum ListenError: Error, Equatable, CustomStringConvertible {
  case pathTooLong(String, limit: Int)
  case notASocket(String)
  case inUse(String)
  case notLoopback(String)
  case system(String, String, Errno)

  var description: String {
    switch self {
    case .pathTooLong(let path, let limit):
      "the socket path \(path) is \(path.utf8.count) bytes long, the limit is \(limit): choose a shorter 'listen:'"
    case .notASocket(let path): "\(path) exists and is not a socket: remove it, or choose another 'listen:'"
    case .inUse(let path): "another worker listens on \(path): stop it first, or choose another 'listen:'"
    case .notLoopback(let name):
      "\(name) is not a loopback address: FastCGI has no authentication, so use a Unix socket or 127.0.0.1"
    case .system(let operation, let name, let errno): "cannot \(operation) \(name): \(errno)"
    }
  }
}
