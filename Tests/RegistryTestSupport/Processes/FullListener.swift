import Glibc

/// A port that neither accepts nor refuses connections, like a host that is down.
package final class FullListener: Sendable {
  package let port: Int
  private let listener: Int32
  private let connections: [Int32]

  package init() throws {
    let (port, listener) = (try makeFreePort(), try LoopbackSocket.open(AF_INET))
    guard LoopbackSocket.withAddress(port: port, { bind(listener, $0, $1) }) == 0, listen(listener, 0) == 0 else {
      throw SystemCallError("bind and listen")
    }
    (self.port, self.listener) = (port, listener)
    // The queue holds one or two connections; later ones are dropped.
    connections = try (0..<4).map { _ in
      let connection = try LoopbackSocket.open(AF_INET)
      _ = fcntl(connection, F_SETFL, O_NONBLOCK)
      _ = LoopbackSocket.withAddress(port: port) { connect(connection, $0, $1) }
      return connection
    }
  }

  deinit { for descriptor in connections + [listener] { close(descriptor) } }
}
