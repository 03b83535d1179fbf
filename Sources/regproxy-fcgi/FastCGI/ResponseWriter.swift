internal import Glibc
internal import HTTPTypes
internal import NIOCore
internal import RegistryHandler

/// Sends a decided response over FastCGI.
struct ResponseWriter: Sendable {
  /// The internal location of the store's `blobs/` in nginx; the templates use the same path.
  static let internalPrefix = "/_regproxy_store/"

  private var response: RegistryResponse
  private let isHead: Bool
  /// The number of body bytes that the worker has sent itself.
  private(set) var bodyBytes: Int64 = 0

  init(_ response: RegistryResponse, isHead: Bool) {
    self.response = response
    self.isHead = isHead
  }

  /// Writes the head and the body. Blocks while nginx accepts none.
  mutating func write(to request: consuming FastCGIRequest) async -> DeliveryOutcome {
    do {
      switch response.body {
      case .empty, .blob:
        try request.write(head())
      case .bytes(let bytes):
        // If both are small, libfcgi puts them into one record and one write.
        try request.write(head())
        if !isHead {
          try request.write(bytes)
          bodyBytes = Int64(bytes.count)
        }
      case .stream(let source):
        try request.write(head())
        try request.flush()
        try await writeStream(source, to: request)
      }
      request.finish()
      return .complete
    } catch let failure as BlobSourceFailure {
      return failure == .cancelled ? .clientLeft : .brokenOff(failure.description)
    } catch let error as FileError {
      return .brokenOff(error.description)
    } catch {
      return .clientLeft
    }
  }

  private mutating func writeStream(_ source: any BlobSource, to request: borrowing FastCGIRequest) async throws {
    let start = source.range.lowerBound
    while bodyBytes < source.range.count {
      switch try await source.next(at: start + bodyBytes) {
      case .file(let file, let part):
        while start + bodyBytes < part.upperBound {
          bodyBytes += try request.writeRecord(start + bodyBytes..<part.upperBound, of: file)
        }
      case .bytes(let chunk):
        try chunk.withUnsafeReadableBytes { bytes throws(FastCGIRequest.WriteError) in try request.write(bytes) }
        try request.flush()
        bodyBytes += Int64(chunk.readableBytes)
      }
    }
  }

  /// Returns the head in the syntax of CGI. <https://www.rfc-editor.org/rfc/rfc3875#section-6.3>
  private func head() -> [UInt8] {
    var text = "Status: \(response.status) \(Self.reason(for: response.status))\r\n"
    for field in response.headers { text += "\(field.name.rawName): \(field.value)\r\n" }
    switch response.body {
    case .blob(let digest):
      text += "X-Accel-Redirect: \(Self.internalPrefix)\(StoreLayout.relativePath(of: digest))\r\n"
    case .empty, .bytes, .stream: break
    }
    text += "\r\n"
    return Array(text.utf8)
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
