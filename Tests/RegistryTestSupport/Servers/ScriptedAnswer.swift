import Foundation
import Glibc
import Synchronization

/// An answer of a ``ScriptedRegistry``, well behaved or not.
package struct ScriptedAnswer: Sendable {
  package enum Body: Sendable {
    case bytes([UInt8])
    /// Not faster than this, in slices.
    case paced([UInt8], bytesPerSecond: Int)
    /// Announces all of it, closes after a part, which is not sent faster than this.
    case truncated([UInt8], after: Int, bytesPerSecond: Int = .max)
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

  package init(status: Int = 200, headers: HeaderLines = [:], body: Body) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  package static func redirect(_ status: Int, to location: String) -> ScriptedAnswer {
    ScriptedAnswer(status: status, headers: ["Location": location], body: .bytes([]))
  }

  var keepsConnection: Bool {
    switch body {
    case .bytes, .paced, .gated, .chunked: true
    case .truncated, .endless, .withheld: false
    }
  }
}

/// Something that a server waits for and a test opens.
package final class Gate: Sendable {
  private let isOpen = Mutex(false)

  package init() {}

  package func open() { isOpen.withLock { $0 = true } }

  /// Blocks until it is open, a minute at most: no test may leave a server behind.
  func wait() {
    for _ in 0..<12_000 where !isOpen.withLock({ $0 }) { usleep(5_000) }
  }
}

/// Writes an answer to a connection.
struct ScriptedAnswerWriter {
  let connection: Int32
  let isHead: Bool
  let onSent: (_ sent: (count: Int, isFirst: Bool)) -> Void

  /// Whether all of it was taken.
  func write(_ answer: ScriptedAnswer) -> Bool {
    if case .withheld(let gate) = answer.body {
      gate.wait()
      return false
    }
    guard send(Array(head(of: answer).utf8)) else { return false }
    if isHead { return true }
    switch answer.body {
    case .bytes(let bytes): return sendBody(bytes[...], isFirst: true)
    case .truncated(let bytes, let count, .max): return sendBody(bytes[..<count], isFirst: true)
    case .truncated(let bytes, let count, let rate): return sendPaced(Array(bytes[..<count]), rate)
    case .gated(let bytes, let offset, let gate):
      guard sendBody(bytes[..<offset], isFirst: true) else { return false }
      gate.wait()
      return sendBody(bytes[offset...], isFirst: false)
    case .paced(let bytes, let rate): return sendPaced(bytes, rate)
    case .chunked(let bytes):
      return sendChunk(bytes[...], isFirst: true) && send(Array("0\r\n\r\n".utf8))
    case .endless:
      let chunk = [UInt8](repeating: UInt8(ascii: " "), count: 65536)
      while sendChunk(chunk[...], isFirst: false) {}
      return false
    case .withheld: return false
    }
  }

  private func head(of answer: ScriptedAnswer) -> String {
    var text = "HTTP/1.1 \(answer.status) Scripted\r\n"
    for line in answer.headers { text += "\(line.name): \(line.value)\r\n" }
    let length: Int? =
      switch answer.body {
      case .bytes(let bytes), .paced(let bytes, _), .truncated(let bytes, _, _), .gated(let bytes, _, _): bytes.count
      case .chunked, .endless, .withheld: nil
      }
    if !answer.headers.contains("Content-Length") {
      text += length.map { "Content-Length: \($0)\r\n" } ?? "Transfer-Encoding: chunked\r\n"
    }
    return text + "\r\n"
  }

  private func sendPaced(_ bytes: [UInt8], _ rate: Int) -> Bool {
    let start = ContinuousClock.now
    let slice = 65536
    for offset in stride(from: 0, to: bytes.count, by: slice) {
      guard sendBody(bytes[offset..<min(offset + slice, bytes.count)], isFirst: offset == 0) else { return false }
      let due = Duration.seconds(Double(offset + slice) / Double(rate))
      let early = due - (ContinuousClock.now - start)
      if early > .zero { usleep(UInt32(early.components.attoseconds / 1_000_000_000_000)) }
    }
    return true
  }

  private func sendChunk(_ bytes: ArraySlice<UInt8>, isFirst: Bool) -> Bool {
    send(Array("\(String(bytes.count, radix: 16))\r\n".utf8)) && sendBody(bytes, isFirst: isFirst)
      && send(Array("\r\n".utf8))
  }

  private func sendBody(_ bytes: ArraySlice<UInt8>, isFirst: Bool) -> Bool {
    if isFirst { onSent((0, true)) }
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.send(connection, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      guard count > 0 else { return false }
      onSent((count, false))
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
