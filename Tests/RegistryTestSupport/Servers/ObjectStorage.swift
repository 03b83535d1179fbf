import Foundation
import Glibc
import Synchronization

/// moto's S3, complete enough to store a registry's blobs, behind a gate that checks signed URLs as strictly as S3.
package final class ObjectStorage: Sendable {
  /// A request with a signed URL, as received.
  package struct Request: Sendable {
    package let method: String
    /// Path and query, raw.
    package let target: String
    package let headers: HeaderLines
    /// The gate's reason to refuse the request; nil if it passed.
    package let refusal: PresignedURL.Refusal?
  }

  package static let secretKey = "secret-key-of-the-tests"
  package static let bucket = "registry"

  /// The port of the gate; other ports bypass it.
  package let port: Int
  private let moto: ManagedProcess
  private let motoPort: Int
  private let descriptor: Int32
  private let state = Mutex<(requests: [Request], isStopped: Bool)>(([], false))

  private init(motoPort: Int, moto: ManagedProcess) throws {
    self.motoPort = motoPort
    self.moto = moto
    port = try makeFreePort()
    descriptor = try LoopbackSocket.open(AF_INET)
    guard LoopbackSocket.withAddress(port: port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 256) == 0 else {
      throw SystemCallError("bind and listen")
    }
    Thread.detachNewThread { [descriptor, weak self] in
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0, let storage = self else {
          if connection >= 0 { close(connection) }
          close(descriptor)
          return
        }
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        Thread.detachNewThread { storage.serve(connection) }
      }
    }
  }

  deinit { shutdown(descriptor, Int32(SHUT_RDWR)) }

  /// Starts the storage with an empty bucket.
  package static func start(in directory: TemporaryDirectory) async throws -> ObjectStorage {
    let port = try makeFreePort()
    let root = URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
      .deletingLastPathComponent().deletingLastPathComponent()
    let moto = try await ManagedProcess.start(
      ProcessLaunch(
        root.appendingPathComponent(".build/python/bin/moto_server").path,
        ["-H", "127.0.0.1", "-p", "\(port)"]
      ),
      name: "moto",
      in: directory.path
    )
    let storage = try ObjectStorage(motoPort: port, moto: moto)
    let client = HTTPClient(port: port)
    try await eventually("moto has a bucket") { (try? await client.exchange("PUT", "/\(bucket)").status) == 200 }
    return storage
  }

  /// The requests by signed URL.
  package var requests: [Request] { state.withLock(\.requests) }

  // MARK: - Serving

  /// Serves one request per connection: the head is examined, all other bytes are passed on.
  private func serve(_ connection: Int32) {
    defer { close(connection) }
    guard let (head, rest) = Self.readHead(connection) else { return }
    if let url = PresignedURL(head) {
      let refusal = url.refusal(secretKey: Self.secretKey, now: Date())
      let request = Request(method: head.method, target: head.target, headers: head.headers, refusal: refusal)
      state.withLock { $0.requests.append(request) }
      if let refusal {
        let body = "<Error><Code>\(refusal.code)</Code></Error>"
        Self.send(
          Array(
            ("HTTP/1.1 \(refusal.status) \(refusal.code)\r\nContent-Type: application/xml\r\n"
              + "Content-Length: \(body.utf8.count)\r\nConnection: close\r\n\r\n\(body)").utf8
          ),
          to: connection
        )
        return
      }
    }
    guard let upstream = try? LoopbackSocket.open(AF_INET) else { return }
    defer { close(upstream) }
    guard LoopbackSocket.withAddress(port: motoPort, { connect(upstream, $0, $1) }) == 0 else { return }
    guard Self.send(head.closing, to: upstream), Self.send(rest, to: upstream) else { return }
    // The request's body one way, the response the other, until the response ends.
    Thread.detachNewThread { [connection = dup(connection), upstream = dup(upstream)] in
      Self.copy(from: connection, to: upstream)
      close(connection)
      close(upstream)
    }
    Self.copy(from: upstream, to: connection)
    shutdown(connection, Int32(SHUT_RDWR))
  }

  private static func readHead(_ connection: Int32) -> (RequestHead, rest: [UInt8])? {
    var bytes: [UInt8] = []
    let end: [UInt8] = [13, 10, 13, 10]
    var buffer = [UInt8](repeating: 0, count: 16384)
    while true {
      if let range = bytes.firstRange(of: end) {
        guard let head = RequestHead(bytes[..<range.lowerBound]) else { return nil }
        return (head, Array(bytes[range.upperBound...]))
      }
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      bytes += buffer[..<count]
    }
  }

  private static func copy(from source: Int32, to target: Int32) {
    var buffer = [UInt8](repeating: 0, count: 65536)
    while true {
      let count = recv(source, &buffer, buffer.count, 0)
      guard count > 0, send(Array(buffer[..<count]), to: target) else { return }
    }
  }

  @discardableResult
  private static func send(_ bytes: [UInt8], to target: Int32) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(target, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}

/// The head of a request.
struct RequestHead: Sendable {
  let method: String
  let target: String
  let headers: HeaderLines
  private let lines: [String]

  init?(_ bytes: ArraySlice<UInt8>) {
    lines = String(decoding: bytes, as: UTF8.self).components(separatedBy: "\r\n")
    let words = lines[0].split(separator: " ").map(String.init)
    guard words.count == 3 else { return nil }
    (method, target) = (words[0], words[1])
    var headers = HeaderLines()
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      headers.append(parts[0], parts.count > 1 ? parts[1] : "")
    }
    self.headers = headers
  }

  /// The head for a connection that ends with the response.
  var closing: [UInt8] {
    let kept = lines.filter { !$0.lowercased().hasPrefix("connection:") }
    return Array((kept + ["Connection: close", "", ""]).joined(separator: "\r\n").utf8)
  }
}
