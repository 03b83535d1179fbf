import Glibc

/// A blocking connection to a port on 127.0.0.1.
final class ClientSocket: Sendable {
  private let descriptor: Int32

  /// Connects; no later read or write waits longer than the limit for the other side to move.
  init(port: Int, stallLimit: Duration) throws {
    let descriptor = try LoopbackSocket.open(AF_INET)
    self.descriptor = descriptor
    var limit = timeval(tv_sec: Int(stallLimit.components.seconds), tv_usec: 0)
    let size = socklen_t(MemoryLayout<timeval>.size)
    setsockopt(descriptor, SOL_SOCKET, SO_RCVTIMEO, &limit, size)
    setsockopt(descriptor, SOL_SOCKET, SO_SNDTIMEO, &limit, size)
    guard LoopbackSocket.withAddress(port: port, { connect(descriptor, $0, $1) }) == 0 else {
      throw SystemCallError("connect to 127.0.0.1:\(port)")
    }
  }

  deinit { close(descriptor) }

  /// Lets a reader that blocks in another thread go, and tells the other side that we have left.
  func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Blocks until all is sent.
  func write(_ bytes: [UInt8]) throws {
    var sent = 0
    while sent < bytes.count {
      let count = bytes.withUnsafeBytes { buffer in
        send(descriptor, buffer.baseAddress.map { $0 + sent }, buffer.count - sent, Int32(MSG_NOSIGNAL))
      }
      if count < 0, errno == EINTR { continue }
      guard count > 0 else { throw SystemCallError("send") }
      sent += count
    }
  }

  /// Blocks until there is something; empty at the end of the stream.
  func read(upTo count: Int) throws -> [UInt8] {
    var code = 0
    let bytes = [UInt8](unsafeUninitializedCapacity: count) { buffer, initialized in
      repeat { code = recv(descriptor, buffer.baseAddress, count, 0) } while code < 0 && errno == EINTR
      initialized = max(code, 0)
    }
    guard code >= 0 else { throw SystemCallError("recv") }
    return bytes
  }
}
