import Foundation
import Glibc
import Synchronization

/// A response of a ``ScriptedRegistry``, well-formed or not.
package struct ScriptedResponse: Sendable {
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Slices at no more than this rate, from an offset on.
    case paced([UInt8], after: Int = 0, bytesPerSecond: Int)
    /// All bytes announced, but the connection closed after some, which are sent at no more than this rate.
    case truncated([UInt8], after: Int, bytesPerSecond: Int = .max)
    /// All bytes announced, but the connection closed after some, once the condition holds.
    case cut([UInt8], after: Int, when: @Sendable () -> Bool)
    /// A pause at the offset until the gate opens.
    case gated([UInt8], at: Int, Gate)
    /// Bytes without an announced length.
    case chunked([UInt8])
    /// Chunks without end, until the client leaves.
    case endless
    /// No response until the gate opens; then the connection is closed.
    case withheld(Gate)
  }

  package var status: Int
  package var headers: HeaderLines
  package var body: Body
  /// Indicates whether the connection is closed unannounced after a complete response.
  package var closesConnection: Bool

  package init(status: Int = 200, headers: HeaderLines = [:], body: Body, closesConnection: Bool = false) {
    self.status = status
    self.headers = headers
    self.body = body
    self.closesConnection = closesConnection
  }

  package static func redirect(_ status: Int, to location: String) -> ScriptedResponse {
    ScriptedResponse(status: status, headers: ["Location": location], body: .bytes([]))
  }

  var keepsConnection: Bool {
    switch body {
    case .bytes, .paced, .gated, .chunked: !closesConnection
    case .truncated, .cut, .endless, .withheld: false
    }
  }
}

/// A gate at which a server waits until a test opens it.
package final class Gate: Sendable {
  private let state = Mutex(false)

  package init() {}

  package var isOpen: Bool { state.withLock { $0 } }

  package func open() { state.withLock { $0 = true } }

  /// Blocks until the gate is open, but not forever: no test may leave a server behind.
  func wait() {
    let deadline = ContinuousClock.now + .patience
    while !isOpen, .now < deadline { usleep(5_000) }
  }
}

/// Writes a response to a connection.
struct ScriptedResponseWriter {
  let connection: Int32
  let isHead: Bool
  let onSent: (_ count: Int) -> Void

  /// Writes the response; returns whether the client took all of it.
  func write(_ answer: ScriptedResponse) -> Bool {
    if case .withheld(let gate) = answer.body {
      gate.wait()
      return false
    }
    guard send(Array(head(of: answer).utf8)) else { return false }
    if isHead { return true }
    switch answer.body {
    case .bytes(let bytes): return sendBody(bytes[...])
    case .truncated(let bytes, let count, .max): return sendBody(bytes[..<count])
    case .truncated(let bytes, let count, let rate): return sendPaced(bytes[..<count], rate)
    case .cut(let bytes, let count, let condition):
      guard sendBody(bytes[..<count]) else { return false }
      let deadline = ContinuousClock.now + .patience
      while !condition(), .now < deadline { usleep(5_000) }
      return true
    case .gated(let bytes, let offset, let gate):
      guard sendBody(bytes[..<offset]) else { return false }
      gate.wait()
      return sendBody(bytes[offset...])
    case .paced(let bytes, let offset, let rate): return sendBody(bytes[..<offset]) && sendPaced(bytes[offset...], rate)
    case .chunked(let bytes):
      return sendChunk(bytes[...]) && send(Array("0\r\n\r\n".utf8))
    case .endless:
      let chunk = [UInt8](repeating: UInt8(ascii: " "), count: 65536)
      while sendChunk(chunk[...]) {}
      return false
    case .withheld: return false
    }
  }

  private func head(of answer: ScriptedResponse) -> String {
    var text = "HTTP/1.1 \(answer.status) Scripted\r\n"
    for line in answer.headers { text += "\(line.name): \(line.value)\r\n" }
    let length: Int? =
      switch answer.body {
      case .bytes(let bytes), .paced(let bytes, _, _), .truncated(let bytes, _, _), .cut(let bytes, _, _),
        .gated(let bytes, _, _):
        bytes.count
      case .chunked, .endless, .withheld: nil
      }
    if !answer.headers.contains("Content-Length") {
      text += length.map { "Content-Length: \($0)\r\n" } ?? "Transfer-Encoding: chunked\r\n"
    }
    return text + "\r\n"
  }

  private func sendPaced(_ bytes: ArraySlice<UInt8>, _ rate: Int) -> Bool {
    let start = ContinuousClock.now
    let slice = 65536
    for offset in stride(from: 0, to: bytes.count, by: slice) {
      guard sendBody(bytes.dropFirst(offset).prefix(slice)) else { return false }
      let due = Duration.seconds(Double(offset + slice) / Double(rate))
      let early = due - (ContinuousClock.now - start)
      if early > .zero { usleep(UInt32(early / .microseconds(1))) }
    }
    return true
  }

  private func sendChunk(_ bytes: ArraySlice<UInt8>) -> Bool {
    send(Array("\(String(bytes.count, radix: 16))\r\n".utf8)) && sendBody(bytes)
      && send(Array("\r\n".utf8))
  }

  private func sendBody(_ bytes: ArraySlice<UInt8>) -> Bool {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      onSent(count)
      rest = rest.dropFirst(count)
    }
    return true
  }

  private func send(_ bytes: [UInt8]) -> Bool {
    var rest = bytes[...]
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      rest = rest.dropFirst(count)
    }
    return true
  }
}
