/// Reads one response from a connection, and records whether its body was complete.
struct ResponseReader {
  /// The rule that tells where the body ends. <https://www.rfc-editor.org/rfc/rfc9112#section-6.3>
  private enum Framing {
    case length(Int)
    case chunk(remaining: Int)
    case chunkEnd
    case untilClose
    case over
  }

  /// The most bytes of one read: enough for an unoptimised build to keep up with a fast server.
  private static let readSize = 256 * 1024

  private let socket: ClientSocket
  private let method: String
  private var buffer: [UInt8] = []
  private var position = 0
  private var framing = Framing.over
  /// Indicates whether the body reached the end that its framing promised.
  private(set) var isComplete = false

  init(socket: ClientSocket, method: String) {
    self.socket = socket
    self.method = method
  }

  /// Blocks until the head has arrived, and returns it.
  mutating func readHead() throws -> ResponseHead {
    var lines: [String] = []
    do {
      repeat { lines.append(try readLine()) } while lines.last != ""
    } catch let error as NoResponse {
      throw error
    } catch {
      throw NoResponse(cause: "\(error)")
    }
    let head = try ResponseHead(lines.dropLast().joined(separator: "\r\n"))
    if head.status == 100 { return try readHead() }
    if method == "HEAD" || head.status == 204 || head.status == 304 {
      framing = .over
    } else if head.headers["Transfer-Encoding"]?.lowercased() == "chunked" {
      framing = .chunkEnd
    } else if let length = head.headers["Content-Length"].flatMap({ Int($0) }) {
      framing = length == 0 ? .over : .length(length)
    } else {
      framing = .untilClose
    }
    if case .over = framing { isComplete = true }
    return head
  }

  /// Blocks until more of the body arrives, and returns it; empty at the end of the body, complete or not.
  mutating func readBody() -> [UInt8] {
    do {
      return try readSome()
    } catch {
      framing = .over
      return []
    }
  }

  private mutating func readSome() throws -> [UInt8] {
    switch framing {
    case .over: return []
    case .untilClose:
      let bytes = try take(upTo: Self.readSize)
      if bytes.isEmpty { finish() }
      return bytes
    case .length(let remaining):
      let bytes = try take(upTo: min(remaining, Self.readSize))
      if bytes.isEmpty { throw NoResponse(cause: "\(remaining) bytes are missing") }
      framing = .length(remaining - bytes.count)
      if remaining == bytes.count { finish() }
      return bytes
    case .chunk(let remaining):
      let bytes = try take(upTo: min(remaining, Self.readSize))
      if bytes.isEmpty { throw NoResponse(cause: "\(remaining) bytes of a chunk are missing") }
      framing = .chunk(remaining: remaining - bytes.count)
      if remaining == bytes.count {
        _ = try readLine()
        framing = .chunkEnd
      }
      return bytes
    case .chunkEnd:
      let line = try readLine()
      guard let size = Int(line.prefix { $0.isHexDigit }, radix: 16) else {
        throw MalformedResponse(what: "chunk \(line)")
      }
      if size == 0 {
        while try readLine() != "" {}
        finish()
        return []
      }
      framing = .chunk(remaining: size)
      return try readSome()
    }
  }

  private mutating func finish() {
    framing = .over
    isComplete = true
  }

  /// Returns buffered bytes, or else bytes of the connection; empty at its end.
  private mutating func take(upTo count: Int) throws -> [UInt8] {
    guard position < buffer.count else { return try socket.read(upTo: count) }
    let end = min(position + count, buffer.count)
    defer { position = end }
    return Array(buffer[position..<end])
  }

  private mutating func readLine() throws -> String {
    while true {
      if let end = buffer[position...].firstIndex(of: UInt8(ascii: "\n")) {
        let line = buffer[position..<end]
        position = end + 1
        return String(decoding: line.last == UInt8(ascii: "\r") ? line.dropLast() : line, as: UTF8.self)
      }
      let more = try socket.read(upTo: 16 * 1024)
      if more.isEmpty { throw NoResponse(cause: "the connection was closed") }
      buffer = Array(buffer[position...]) + more
      position = 0
    }
  }
}
