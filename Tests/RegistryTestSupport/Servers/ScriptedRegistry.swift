import Foundation
import Glibc
import Synchronization

/// A registry with scripted responses, right or wrong, over plain HTTP/1.1 on loopback.
///
/// Paths have responses, and every request is recorded; of registries it has only a few conveniences.
package final class ScriptedRegistry: Sendable {
  /// A request as received.
  package struct Request: Sendable {
    package let method: String
    /// Path and query, raw.
    package let target: String
    package let headers: HeaderLines

    package var path: String { String(target.prefix { $0 != "?" }) }
  }

  package typealias Script = @Sendable (Request) -> ScriptedResponse

  private struct State {
    var scripts: [String: Script] = [:]
    var requests: [Request] = []
    var sentBytes = 0
    var tokens: ScriptedTokens?
    var connections: Set<Int32> = []
    var isStopped = false
  }

  package let port: Int
  private let descriptor: Int32
  private let state = Mutex(State())

  /// Starts serving; stops when the value is released, or in ``stop()``.
  package init() throws {
    port = try makeFreePort()
    descriptor = try LoopbackSocket.open(AF_INET)
    guard LoopbackSocket.withAddress(port: port, { bind(descriptor, $0, $1) }) == 0, listen(descriptor, 256) == 0 else {
      throw SystemCallError("bind and listen")
    }
    Thread.detachNewThread { [descriptor, weak self] in
      while true {
        let connection = accept(descriptor, nil, nil)
        guard connection >= 0, let registry = self, !registry.isStopped else {
          if connection >= 0 { close(connection) }
          close(descriptor)
          return
        }
        // A process started meanwhile must not keep the connection open.
        _ = fcntl(connection, F_SETFD, FD_CLOEXEC)
        Thread.detachNewThread { registry.serve(connection) }
      }
    }
  }

  deinit {
    // Once stopped, the descriptor may be another socket's.
    if !isStopped { shutdown(descriptor, Int32(SHUT_RDWR)) }
  }

  /// Closes all connections and refuses new ones.
  package func stop() {
    state.withLock { state in
      state.isStopped = true
      for connection in state.connections { shutdown(connection, Int32(SHUT_RDWR)) }
    }
    shutdown(descriptor, Int32(SHUT_RDWR))
  }

  package var url: String { "http://127.0.0.1:\(port)" }

  private var isStopped: Bool { state.withLock(\.isStopped) }

  // MARK: - Script

  /// Sets the script of a path; a HEAD request gets its head.
  package func answer(_ path: String, _ script: @escaping Script) { state.withLock { $0.scripts[path] = script } }

  /// Sets the response of a path.
  package func answer(_ path: String, with answer: ScriptedResponse) { self.answer(path) { _ in answer } }

  /// Adds a blob, and returns its digest.
  @discardableResult
  package func addBlob(_ bytes: [UInt8], to repository: String, _ body: ScriptedResponse.Body? = nil) -> String {
    let digest = sha256Digest(of: bytes)
    answer("/v2/\(repository)/blobs/\(digest)", with: ScriptedResponse(body: body ?? .bytes(bytes)))
    return digest
  }

  /// Serves bytes at a path, ranges included, with a strong validator.
  /// - Parameter body: makes the body from the requested bytes.
  package func answerRanges(
    _ path: String,
    of bytes: [UInt8],
    _ body: @escaping @Sendable ([UInt8]) -> ScriptedResponse.Body
  ) {
    answer(path) { request in
      guard let header = request.headers["Range"] else {
        return ScriptedResponse(headers: ["ETag": "\"tag\""], body: body(bytes))
      }
      guard let part = Self.part(header, of: bytes.count) else {
        return ScriptedResponse(status: 416, headers: ["Content-Range": "bytes */\(bytes.count)"], body: .bytes([]))
      }
      let place = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(bytes.count)"
      return ScriptedResponse(
        status: 206,
        headers: ["ETag": "\"tag\"", "Content-Range": place],
        body: body(Array(bytes[part]))
      )
    }
  }

  /// Returns the range of `bytes=a-b`, `bytes=a-` or `bytes=-n`.
  private static func part(_ header: String, of count: Int) -> Range<Int>? {
    let ends = header.dropFirst("bytes=".count).split(separator: "-", omittingEmptySubsequences: false).map { Int($0) }
    guard ends.count == 2 else { return nil }
    guard let start = ends[0] else { return ends[1].map { max(0, count - $0)..<count } }
    guard start < count else { return nil }
    return start..<min(count, (ends[1] ?? count - 1) + 1)
  }

  /// Adds a manifest under its digest and a tag, and returns its digest.
  @discardableResult
  package func addManifest(
    _ json: String,
    to repository: String,
    tag: String,
    type: String = "application/vnd.oci.image.manifest.v1+json"
  ) -> String {
    let digest = sha256Digest(of: json)
    let answer = ScriptedResponse(
      headers: ["Content-Type": type, "Docker-Content-Digest": digest],
      body: .bytes(Array(json.utf8))
    )
    for reference in [tag, digest] { self.answer("/v2/\(repository)/manifests/\(reference)", with: answer) }
    return digest
  }

  /// Requires tokens of a service from now on.
  package func requireTokens(_ tokens: ScriptedTokens) { state.withLock { $0.tokens = tokens } }

  // MARK: - Observation

  package var requests: [Request] { state.withLock(\.requests) }

  package func count(_ method: String, _ path: String) -> Int {
    requests.count { $0.method == method && $0.path == path }
  }

  /// The total of body bytes sent.
  package var sentBytes: Int { state.withLock(\.sentBytes) }

  // MARK: - Serving

  private func serve(_ connection: Int32) {
    state.withLock { _ = $0.connections.insert(connection) }
    defer {
      // Together, so that no later connection with this descriptor is shut down instead.
      state.withLock { state in
        state.connections.remove(connection)
        close(connection)
      }
    }
    var noDelay: Int32 = 1
    setsockopt(connection, Int32(IPPROTO_TCP), TCP_NODELAY, &noDelay, socklen_t(MemoryLayout<Int32>.size))
    var rest: [UInt8] = []
    while !isStopped, let request = Self.readRequest(connection, &rest) {
      let (script, tokens) = state.withLock { state in
        state.requests.append(request)
        return (state.scripts[request.path], state.tokens)
      }
      let answer = tokens?.answer(request, port: port) ?? script?(request) ?? Self.fallback(request)
      let writer = ScriptedResponseWriter(connection: connection, isHead: request.method == "HEAD") { count in
        self.state.withLock { $0.sentBytes += count }
      }
      guard writer.write(answer), answer.keepsConnection else { return }
    }
  }

  private static func fallback(_ request: Request) -> ScriptedResponse {
    request.path == "/v2/"
      ? ScriptedResponse(headers: ["Content-Type": "application/json"], body: .bytes(Array("{}".utf8)))
      : ScriptedResponse(status: 404, body: .bytes([]))
  }

  private static func readRequest(_ connection: Int32, _ rest: inout [UInt8]) -> Request? {
    let end: [UInt8] = [13, 10, 13, 10]
    while rest.firstRange(of: end) == nil {
      var buffer = [UInt8](repeating: 0, count: 16384)
      let count = recv(connection, &buffer, buffer.count, 0)
      guard count > 0 else { return nil }
      rest += buffer[..<count]
    }
    guard let range = rest.firstRange(of: end) else { return nil }
    let lines = String(decoding: rest[..<range.lowerBound], as: UTF8.self).components(separatedBy: "\r\n")
    rest.removeSubrange(..<range.upperBound)
    let words = lines[0].split(separator: " ").map(String.init)
    guard words.count == 3 else { return nil }
    var headers = HeaderLines()
    for line in lines.dropFirst() {
      let parts = line.split(separator: ":", maxSplits: 1).map { $0.trimmingCharacters(in: .whitespaces) }
      headers.append(parts[0], parts.count > 1 ? parts[1] : "")
    }
    return Request(method: words[0], target: words[1], headers: headers)
  }
}
