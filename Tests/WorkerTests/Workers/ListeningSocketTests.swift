internal import Foundation
internal import Glibc
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct ListeningSocketTests {
  private let directory: TemporaryDirectory

  init() throws { directory = try TemporaryDirectory() }

  private var path: String { directory.path("s") }

  @Test(arguments: [0o660, 0o600, 0o666] as [mode_t])
  func `a Unix socket has exactly the requested mode`(_ mode: mode_t) throws {
    let socket = try ListeningSocket(.unix(path: path), mode: mode)
    defer { close(socket.descriptor) }
    var status = stat()
    #expect(lstat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == mode)
    socket.removeFile()
    #expect(lstat(path, &status) != 0)
  }

  @Test func `a stale socket file is replaced`() throws {
    let first = try ListeningSocket(.unix(path: path), mode: 0o600)
    close(first.descriptor)
    let second = try ListeningSocket(.unix(path: path), mode: 0o600)
    close(second.descriptor)
  }

  @Test func `a socket in use and a regular file are left alone`() throws {
    let first = try ListeningSocket(.unix(path: path), mode: 0o600)
    defer { close(first.descriptor) }
    #expect(throws: ListenError.inUse(path)) { try ListeningSocket(.unix(path: path), mode: 0o600) }
    let file = directory.path("f")
    #expect(FileManager.default.createFile(atPath: file, contents: Data("kept".utf8)))
    #expect(throws: ListenError.notASocket(file)) { try ListeningSocket(.unix(path: file), mode: 0o600) }
    #expect(FileManager.default.contents(atPath: file) == Data("kept".utf8))
  }

  @Test func `a path too long for a socket is rejected with the limit`() {
    let path = "/tmp/" + String(repeating: "x", count: 120)
    #expect(throws: ListenError.pathTooLong(path, limit: 107)) { try ListeningSocket(.unix(path: path), mode: 0o600) }
  }

  @Test(arguments: ["0.0.0.0", "10.0.0.1", "*", ""])
  func `a TCP address other than loopback is rejected`(_ host: String) {
    #expect(throws: ListenError.notLoopback("\(host):9000")) {
      try ListeningSocket(.tcp(host: host, port: 9000), mode: 0o600)
    }
  }

  @Test func `a descriptor that is not a listening socket is not adopted`() throws {
    var pair: [Int32] = [0, 0]
    #expect(pipe(&pair) == 0)
    defer { pair.forEach { close($0) } }
    let adopted = try ListeningSocket(inherited: pair[0])
    #expect(adopted == nil)
  }

  @Test(arguments: [(0x7F00_0001, true), (0, false)] as [(UInt32, Bool)])
  func `an inherited TCP socket is adopted on loopback only`(_ host: UInt32, _ isAdopted: Bool) throws {
    let socket = socket(AF_INET, Int32(SOCK_STREAM.rawValue), 0)
    defer { close(socket) }
    var address = sockaddr_in()
    address.sin_family = sa_family_t(AF_INET)
    address.sin_addr.s_addr = host.bigEndian
    let isBound = withUnsafeBytes(of: address) { bytes in
      bytes.baseAddress.map {
        bind(socket, $0.assumingMemoryBound(to: sockaddr.self), socklen_t(bytes.count)) == 0
      }
    }
    #expect(isBound == true)
    #expect(listen(socket, 1) == 0)
    if isAdopted {
      let adopted = try ListeningSocket(inherited: socket)
      #expect(adopted?.descriptor == socket)
    } else {
      #expect(throws: ListenError.self) { try ListeningSocket(inherited: socket) }
    }
  }
}
