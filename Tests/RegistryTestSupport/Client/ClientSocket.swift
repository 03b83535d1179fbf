import Glibc

/// A blocking connection to a port on 127.0.0.1.
final class ClientSocket: Sendable {
  private let descriptor: Int32

  /// Connects; a later read or write fails after waiting for the peer for the stall limit.
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

  /// Unblocks a reader in another thread and tells the peer that the client has left.
  func shutDown() { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Blocks until all bytes are sent.
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

  /// Blocks until bytes arrive, and returns them; empty at the end of the stream.
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
