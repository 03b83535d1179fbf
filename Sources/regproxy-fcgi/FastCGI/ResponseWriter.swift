internal import Glibc
internal import HTTPTypes
internal import RegistryHandler

/// Carries a decided answer out over FastCGI.
struct ResponseWriter: Sendable {
  /// What became of an answer.
  enum Outcome: Equatable, Sendable {
    case complete
    /// The client left before the end.
    case clientLeft
    /// It had to be cut: what was promised is not to be had.
    case brokenOff(String)
  }

  /// Where nginx has the store's `blobs/`; the templates name the same place.
  static let internalPrefix = "/_regproxy_store/"

  /// The bytes of a stream that are read and written at a time: a thousand streams have a buffer each.
  private static let chunkSize = 64 * 1024

  private var response: RegistryResponse
  private let isHead: Bool
  /// Body bytes that the worker has sent itself.
  private(set) var bodyBytes: Int64 = 0

  init(_ response: RegistryResponse, isHead: Bool) {
    self.response = response
    self.isHead = isHead
  }

  /// Writes head and body. Blocks while nginx takes none.
  mutating func write(to request: consuming FastCGIRequest) async -> Outcome {
    do {
      switch response.body {
      case .empty, .blob:
        try request.write(head())
      case .bytes(let bytes):
        var message = head()
        if !isHead {
          message += bytes
          bodyBytes = Int64(bytes.count)
        }
        try request.write(message)
      case .stream(let reader):
        try request.write(head())
        try request.flush()
        try await writeStream(reader, to: request)
      }
      request.finish()
      return .complete
    } catch let failure as BlobReader.Failure {
      switch failure {
      case .cancelled: return .clientLeft
      case .brokenOff(let error): return .brokenOff(error.reason)
      case .store(let error): return .brokenOff(error.description)
      }
    } catch {
      return .clientLeft
    }
  }

  private mutating func writeStream(_ reader: BlobReader, to request: borrowing FastCGIRequest) async throws {
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: Self.chunkSize, alignment: 16)
    defer { buffer.deallocate() }
    var offset = reader.range.lowerBound
    while offset < reader.range.upperBound {
      let count = try await reader.read(into: buffer, at: offset)
      try request.write(UnsafeRawBufferPointer(rebasing: buffer[..<count]))
      try request.flush()
      offset += Int64(count)
      bodyBytes += Int64(count)
    }
  }

  /// The head as CGI writes it. <https://www.rfc-editor.org/rfc/rfc3875#section-6.3>
  private func head() -> [UInt8] {
    let reason = HTTPResponse.Status(integerLiteral: response.status).reasonPhrase
    var text = "Status: \(response.status) \(reason)\r\n"
    for field in response.headers { text += "\(field.name.rawName): \(field.value)\r\n" }
    switch response.body {
    case .blob(let digest):
      text += "X-Accel-Redirect: \(Self.internalPrefix)\(StoreLayout.relativePath(of: digest))\r\n"
    case .empty, .bytes, .stream: break
    }
    text += "\r\n"
    return Array(text.utf8)
  }
}
