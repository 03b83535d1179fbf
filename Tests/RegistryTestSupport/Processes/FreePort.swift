import Glibc

/// Returns a port on loopback that was free a moment ago.
package func makeFreePort() throws -> Int {
  let descriptor = try LoopbackSocket.open(AF_INET)
  defer { close(descriptor) }
  let code = LoopbackSocket.withAddress(port: 0) { bind(descriptor, $0, $1) }
  guard code == 0 else { throw SystemCallError("bind") }
  var address = sockaddr_in()
  var length = socklen_t(MemoryLayout<sockaddr_in>.size)
  let named = withUnsafeMutablePointer(to: &address) { pointer in
    pointer.withMemoryRebound(to: sockaddr.self, capacity: 1) { getsockname(descriptor, $0, &length) }
  }
  guard named == 0 else { throw SystemCallError("getsockname") }
  return Int(UInt16(bigEndian: address.sin_port))
}
