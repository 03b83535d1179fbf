internal import Glibc
internal import SystemPackage

/// The socket on which nginx reaches the worker: inherited as descriptor 0, or opened here.
///
/// libfcgi's own function would end the process on a failure to bind, and sets no mode on the socket.
struct ListeningSocket: Sendable {
  /// The value of `listen:`.
  enum Address: Equatable, Sendable {
    case unix(path: String)
    case tcp(host: String, port: UInt16)
  }

  /// The length of the queue: forty users at once overflow a shorter one. The system may cap it (`net.core.somaxconn`).
  private static let backlog: Int32 = 1024

  let descriptor: Int32
  /// The path and inode of the socket file created here, to be removed at the end.
  private let createdFile: (path: String, inode: UInt)?

  /// Adopts descriptor 0 if it is a listening socket, as passed by spawn-fcgi and systemd.
  ///
  /// A socket within reach of other hosts is refused: FastCGI has no authentication.
  init?(inherited descriptor: Int32 = STDIN_FILENO) throws(ListenError) {
    var isListening: Int32 = 0
    var length = socklen_t(MemoryLayout<Int32>.size)
    guard getsockopt(descriptor, SOL_SOCKET, SO_ACCEPTCONN, &isListening, &length) == 0, isListening == 1 else {
      return nil
    }
    guard Self.isLocal(descriptor) else { throw .notLoopback("the socket on descriptor \(descriptor)") }
    self.descriptor = descriptor
    self.createdFile = nil
    Self.setNonBlocking(descriptor)
  }

  /// Returns whether a socket is a Unix socket or bound to a loopback address.
  private static func isLocal(_ descriptor: Int32) -> Bool {
    var address = sockaddr_storage()
    var length = socklen_t(MemoryLayout<sockaddr_storage>.size)
    let status = withUnsafeMutableBytes(of: &address) { bytes -> Int32 in
      guard let base = bytes.baseAddress else { return -1 }
      return getsockname(descriptor, base.assumingMemoryBound(to: sockaddr.self), &length)
    }
    guard status == 0 else { return false }
    return withUnsafeBytes(of: address) { bytes in
      switch Int32(address.ss_family) {
      case AF_UNIX: true
      case AF_INET: UInt32(bigEndian: bytes.load(as: sockaddr_in.self).sin_addr.s_addr) >> 24 == 127
      case AF_INET6: bytes[8..<24].elementsEqual([UInt8](repeating: 0, count: 15) + [1])
      default: false
      }
    }
  }

  /// Binds and listens. A stale socket file is replaced; a socket in use is an error.
  /// - Parameter mode: the permissions of a Unix socket.
  init(_ address: Address, mode: mode_t) throws(ListenError) {
    switch address {
    case .unix(let path):
      descriptor = try Self.open(unix: path, mode: mode)
      var status = stat()
      createdFile = lstat(path, &status) == 0 ? (path, UInt(status.st_ino)) : nil
    case .tcp(let host, let port):
      descriptor = try Self.open(host: host, port: port)
      createdFile = nil
    }
    Self.setNonBlocking(descriptor)
  }

  /// Removes the socket file, unless another worker has replaced it.
  func removeFile() {
    var status = stat()
    guard let createdFile, lstat(createdFile.path, &status) == 0, UInt(status.st_ino) == createdFile.inode else {
      return
    }
    unlink(createdFile.path)
  }

  private static func open(unix path: String, mode: mode_t) throws(ListenError) -> Int32 {
    var address = sockaddr_un()
    address.sun_family = sa_family_t(AF_UNIX)
    let capacity = MemoryLayout.size(ofValue: address.sun_path)
    guard path.utf8.count < capacity else { throw .pathTooLong(path, limit: capacity - 1) }
    withUnsafeMutableBytes(of: &address.sun_path) { $0.copyBytes(from: path.utf8) }
    let socket = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw .system("create a socket for", path, Errno(rawValue: errno)) }
    do throws(ListenError) {
      try removeStaleSocket(path, address)
      // No client may connect between bind and chmod. Not by umask, which files of other threads would get, too.
      guard fchmod(socket, 0) == 0 else { throw .system("set the mode of", path, Errno(rawValue: errno)) }
      guard withSocketAddress(address, { bind(socket, $0, $1) }) == 0 else {
        throw .system("bind", path, Errno(rawValue: errno))
      }
      guard chmod(path, mode) == 0 else { throw .system("set the mode of", path, Errno(rawValue: errno)) }
      guard listen(socket, backlog) == 0 else { throw .system("listen on", path, Errno(rawValue: errno)) }
      return socket
    } catch {
      close(socket)
      throw error
    }
  }

  private static func removeStaleSocket(_ path: String, _ address: sockaddr_un) throws(ListenError) {
    var status = stat()
    guard lstat(path, &status) == 0 else { return }
    guard status.st_mode & S_IFMT == S_IFSOCK else { throw .notASocket(path) }
    let probe = socket(AF_UNIX, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    defer { close(probe) }
    guard withSocketAddress(address, { connect(probe, $0, $1) }) != 0 else { throw .inUse(path) }
    guard errno == ECONNREFUSED else { throw .system("probe", path, Errno(rawValue: errno)) }
    unlink(path)
  }

  private static func open(host: String, port: UInt16) throws(ListenError) -> Int32 {
    let name = "\(host):\(port)"
    guard host == "127.0.0.1" || host == "localhost" else { throw .notLoopback(name) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_port = port.bigEndian
    address.sin_addr.s_addr = UInt32(0x7F00_0001).bigEndian
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue) | Int32(SOCK_CLOEXEC.rawValue), 0)
    guard socket >= 0 else { throw .system("create a socket for", name, Errno(rawValue: errno)) }
    var reuse: Int32 = 1
    setsockopt(socket, SOL_SOCKET, SO_REUSEADDR, &reuse, socklen_t(MemoryLayout<Int32>.size))
    guard withSocketAddress(address, { bind(socket, $0, $1) }) == 0, listen(socket, backlog) == 0 else {
      let error = Errno(rawValue: errno)
      close(socket)
      throw .system("listen on", name, error)
    }
    return socket
  }

  private static func withSocketAddress<Address>(
    _ address: Address,
    _ body: (UnsafePointer<sockaddr>, socklen_t) -> Int32
  ) -> Int32 {
    withUnsafeBytes(of: address) { bytes in
      guard let base = bytes.baseAddress else { return -1 }
      return body(base.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count))
    }
  }

  private static func setNonBlocking(_ descriptor: Int32) {
    // Several threads may be woken for one connection; the late ones must not block in accept.
    let flags = fcntl(descriptor, F_GETFL)
    _ = fcntl(descriptor, F_SETFL, flags | O_NONBLOCK)
  }
}
