internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import RegistryHandler

/// Sends a decided response over FastCGI.
struct ResponseWriter: Sendable {
  /// The internal location of the store's `blobs/` in nginx; the templates use the same path.
  static let internalPrefix = "/_regproxy_store/"

  /// The bytes of a stream after which other tasks of the event loop have their turn.
  private static let turn: Int64 = 256 << 10

  private var response: RegistryResponse
  private let records: ResponseRecords
  private let isHead: Bool
  /// Identifies the request in the logs of nginx and of the worker.
  private let requestID: String
  /// The number of body bytes that the worker has sent itself.
  private(set) var bodyBytes: Int64 = 0

  /// Indicates whether nginx closes the connection on the head, without waiting for the end: it has no body to read.
  var isLeftByNginx: Bool {
    if case .blob = response.body { return true }
    return isHead
  }

  init(_ response: RegistryResponse, to request: RegistryRequest, _ records: ResponseRecords) {
    self.response = response
    self.records = records
    isHead = request.method == .head
    requestID = request.id
  }

  /// Writes the head and the body; suspends the task while nginx accepts none.
  mutating func write(to connection: Connection) async -> DeliveryOutcome {
    do {
      switch response.body {
      case .empty, .blob:
        var output = headRecords(0)
        records.appendEnd(to: &output)
        try await connection.send(output)
      case .bytes(let bytes): try await writeDocument(isHead ? [] : bytes, to: connection)
      case .stream(let source):
        try await connection.send(headRecords(0))
        try await writeStream(source, to: connection)
        var output: [UInt8] = []
        records.appendEnd(to: &output)
        try await connection.send(output)
      }
      return .complete
    } catch let failure as BlobSourceFailure {
      return failure == .cancelled ? .clientLeft : .brokenOff(failure.description)
    } catch let error as FileError {
      return .brokenOff(error.description)
    } catch {
      return .clientLeft
    }
  }

  /// Writes head and body in one write if both are small.
  private mutating func writeDocument(_ bytes: [UInt8], to connection: Connection) async throws {
    var output = headRecords(min(bytes.count, ResponseRecords.contentSize))
    var rest = bytes[...]
    while rest.count > ResponseRecords.contentSize {
      let content = rest.prefix(ResponseRecords.contentSize)
      records.append(content, to: &output)
      try await connection.send(output)
      output = []
      bodyBytes += Int64(content.count)
      rest = rest.dropFirst(content.count)
    }
    records.append(rest, to: &output)
    records.appendEnd(to: &output)
    try await connection.send(output)
    bodyBytes += Int64(rest.count)
  }

  private mutating func writeStream(_ source: any BlobSource, to connection: Connection) async throws {
    let start = source.range.lowerBound
    var nextTurn = Self.turn
    while bodyBytes < source.range.count {
      switch try await source.next(at: start + bodyBytes) {
      case .file(let file, let part):
        while start + bodyBytes < part.upperBound {
          let content = (start + bodyBytes..<part.upperBound).prefix(ResponseRecords.contentSize)
          try await connection.send(records.header(contentLength: content.count), isFollowed: true)
          try await connection.send(content.startIndex..<content.endIndex, of: file)
          await sent(content.count, &nextTurn)
        }
      case .bytes(let chunk):
        var rest = chunk.readableBytesView
        while !rest.isEmpty {
          let content = rest.prefix(ResponseRecords.contentSize)
          try await connection.send(records.header(contentLength: content.count), isFollowed: true)
          try await connection.send(content)
          await sent(content.count, &nextTurn)
          rest = rest.dropFirst(content.count)
        }
      }
    }
  }

  /// Counts bytes of a stream, and lets other tasks run after each turn.
  private mutating func sent(_ count: Int, _ nextTurn: inout Int64) async {
    bodyBytes += Int64(count)
    guard bodyBytes >= nextTurn else { return }
    nextTurn = bodyBytes + Self.turn
    await Task.yield()
  }

  /// The size that few heads exceed, in bytes.
  private static let usualHeadSize = 1024

  /// Returns the records of the head.
  /// - Parameter bodyCount: the number of bytes that will be appended as the body.
  private func headRecords(_ bodyCount: Int) -> [UInt8] {
    var output: [UInt8] = []
    output.reserveCapacity(Self.usualHeadSize + bodyCount + ResponseRecords.overhead)
    records.append(to: &output, appendHead)
    return output
  }

  /// Appends the head in the syntax of CGI. <https://www.rfc-editor.org/rfc/rfc3875#section-6.3>
  private func appendHead(to output: inout [UInt8]) {
    func append(_ text: String) { output.append(contentsOf: text.utf8) }
    append("Status: ")
    append(String(response.status))
    append(" ")
    append(Self.reason(for: response.status))
    append("\r\n")
    for field in response.headers {
      append(field.name.rawName)
      append(": ")
      append(field.value)
      append("\r\n")
    }
    append("X-Request-Id: ")
    append(requestID)
    append("\r\n")
    if case .blob(let digest) = response.body {
      append("X-Accel-Redirect: ")
      append(Self.internalPrefix)
      append(StoreLayout.relativePath(of: digest))
      append("\r\n")
    }
    append("\r\n")
  }

  /// Returns the reason phrase, which nginx copies into its status line: some clients require a phrase.
  /// <https://www.rfc-editor.org/rfc/rfc9110#section-15>
  private static func reason(for status: Int) -> String {
    switch status {
    case 200: "OK"
    case 206: "Partial Content"
    case 301: "Moved Permanently"
    case 302: "Found"
    case 303: "See Other"
    case 307: "Temporary Redirect"
    case 308: "Permanent Redirect"
    case 400: "Bad Request"
    case 401: "Unauthorized"
    case 403: "Forbidden"
    case 404: "Not Found"
    case 405: "Method Not Allowed"
    case 416: "Range Not Satisfiable"
    case 429: "Too Many Requests"
    case 502: "Bad Gateway"
    case 503: "Service Unavailable"
    case 504: "Gateway Timeout"
    default: status < 400 ? "Success" : "Error"
    }
  }
}
