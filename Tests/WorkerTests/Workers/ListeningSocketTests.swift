internal import Foundation
internal import Glibc
internal import Testing

@testable internal import regproxy_fcgi

@Suite("The listening socket")
final class ListeningSocketTests {
  private let directory = FileManager.default.temporaryDirectory.appendingPathComponent(
    "rp-\(UUID().uuidString.prefix(8))"
  )

  init() throws { try FileManager.default.createDirectory(at: directory, withIntermediateDirectories: true) }

  deinit { try? FileManager.default.removeItem(at: directory) }

  private var path: String { directory.appendingPathComponent("s").path }

  @Test("A Unix socket has exactly the mode that is asked for", arguments: [0o660, 0o600, 0o666] as [mode_t])
  func mode(_ mode: mode_t) throws {
    let socket = try ListeningSocket(.unix(path: path), mode: mode)
    defer { close(socket.descriptor) }
    var status = stat()
    #expect(lstat(path, &status) == 0)
    #expect(status.st_mode & 0o777 == mode)
    socket.removeFile()
    #expect(lstat(path, &status) != 0)
  }

  @Test("A socket that nobody serves any more is replaced")
  func stale() throws {
    let first = try ListeningSocket(.unix(path: path), mode: 0o600)
    close(first.descriptor)
    let second = try ListeningSocket(.unix(path: path), mode: 0o600)
    close(second.descriptor)
  }

  @Test("A socket that somebody serves, or a file, is left alone")
  func inUse() throws {
    let first = try ListeningSocket(.unix(path: path), mode: 0o600)
    defer { close(first.descriptor) }
    #expect(throws: ListenError.inUse(path)) { try ListeningSocket(.unix(path: path), mode: 0o600) }
    let file = directory.appendingPathComponent("f").path
    #expect(FileManager.default.createFile(atPath: file, contents: Data("kept".utf8)))
    #expect(throws: ListenError.notASocket(file)) { try ListeningSocket(.unix(path: file), mode: 0o600) }
    #expect(FileManager.default.contents(atPath: file) == Data("kept".utf8))
  }

  @Test("A path that no socket can have is refused with the limit")
  func tooLong() {
    let path = "/tmp/" + String(repeating: "x", count: 120)
    #expect(throws: ListenError.pathTooLong(path, limit: 107)) { try ListeningSocket(.unix(path: path), mode: 0o600) }
  }

  @Test("Only loopback is served over TCP", arguments: ["0.0.0.0", "10.0.0.1", "*", ""])
  func loopbackOnly(host: String) {
    #expect(throws: ListenError.notLoopback("\(host):9000")) {
      try ListeningSocket(.tcp(host: host, port: 9000), mode: 0o600)
    }
  }

  @Test("A descriptor that is no listening socket is not adopted")
  func notInherited() throws {
    var pair: [Int32] = [0, 0]
    #expect(pipe(&pair) == 0)
    defer { pair.forEach { close($0) } }
    let adopted = try ListeningSocket(inherited: pair[0])
    #expect(adopted == nil)
  }

  @Test(
    "An inherited TCP socket is adopted on loopback only",
    arguments: [(0x7F00_0001, true), (0, false)] as [(UInt32, Bool)]
  )
  func inheritedTCP(host: UInt32, isAdopted: Bool) throws {
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
