import Glibc

/// A listening Unix socket that a test passes to workers as descriptor 0, as systemd does.
package final class UnixListener: Sendable {
  package let path: String
  package let descriptor: Int32

  package init(path: String) throws {
    let descriptor = try LoopbackSocket.open(AF_UNIX)
    do {
      unlink(path)
      let bound = try LoopbackSocket.withAddress(path: path) { bind(descriptor, $0, $1) }
      guard bound == 0 else { throw SystemCallError("bind \(path)") }
      guard chmod(path, 0o666) == 0 else { throw SystemCallError("chmod \(path)") }
      guard listen(descriptor, 1024) == 0 else { throw SystemCallError("listen \(path)") }
    } catch {
      close(descriptor)
      throw error
    }
    self.path = path
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}

/// A port on loopback, taken for the lifetime of the value.
package final class TakenPort: Sendable {
  package let port: Int
  private let descriptor: Int32

  package init() throws {
    let port = try makeFreePort()
    let descriptor = try LoopbackSocket.open(AF_INET)
    guard LoopbackSocket.withAddress(port: port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 1) == 0 else {
      let error = SystemCallError("bind and listen")
      close(descriptor)
      throw error
    }
    self.port = port
    self.descriptor = descriptor
  }

  deinit { close(descriptor) }
}
