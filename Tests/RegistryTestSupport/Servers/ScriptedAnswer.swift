import Foundation
import Glibc
import Synchronization

/// An answer of a ``ScriptedRegistry``, well behaved or not.
package struct ScriptedAnswer: Sendable {
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Not faster than this, in slices, from an offset on.
    case paced([UInt8], after: Int = 0, bytesPerSecond: Int)
    /// Announces all of it, closes after a part, which is not sent faster than this.
    case truncated([UInt8], after: Int, bytesPerSecond: Int = .max)
    /// The same, and does not close before the condition holds.
    case cut([UInt8], after: Int, when: @Sendable () -> Bool)
    /// Waits in the middle until the gate is opened.
    case gated([UInt8], at: Int, Gate)
    /// Announces no length.
    case chunked([UInt8])
    /// Chunks without end, until the reader has enough.
    case endless
    /// No answer at all until the gate is opened.
    case withheld(Gate)
  }

  package var status: Int
  package var headers: HeaderLines
  package var body: Body
  /// Whether the connection is closed behind a whole answer, which did not announce it.
  package var closesConnection: Bool

  package init(status: Int = 200, headers: HeaderLines = [:], body: Body, closesConnection: Bool = false) {
    self.status = status
    self.headers = headers
    self.body = body
    self.closesConnection = closesConnection
  }

  package static func redirect(_ status: Int, to location: String) -> ScriptedAnswer {
    ScriptedAnswer(status: status, headers: ["Location": location], body: .bytes([]))
  }

  var keepsConnection: Bool {
    switch body {
    case .bytes, .paced, .gated, .chunked: !closesConnection
    case .truncated, .cut, .endless, .withheld: false
    }
  }
}

/// Something that a server waits for and a test opens.
package final class Gate: Sendable {
  private let isOpen = Mutex(false)

  package init() {}

  package func open() { isOpen.withLock { $0 = true } }

  /// Blocks until it is open, and not for ever: no test may leave a server behind.
  func wait() {
    let deadline = ContinuousClock.now + .patience
    while !isOpen.withLock({ $0 }), .now < deadline { usleep(5_000) }
  }
}

/// Writes an answer to a connection.
struct ScriptedAnswerWriter {
  let connection: Int32
  let isHead: Bool
  let onSent: (_ count: Int) -> Void

  /// Whether all of it was taken.
  func write(_ answer: ScriptedAnswer) -> Bool {
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

  private func head(of answer: ScriptedAnswer) -> String {
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
