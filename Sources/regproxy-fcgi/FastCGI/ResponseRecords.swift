internal import CFastCGI

/// The records of a response. <https://fastcgi-archives.github.io/FastCGI_Specification.html#S3.3>
struct ResponseRecords: Sendable {
  /// The content of a full record: whole pages, below the limit of 65,535, in bytes.
  static let contentSize = 60 * 1024

  private let id: UInt16

  /// - Parameter id: of the request on its connection.
  init(to id: UInt16) { self.id = id }

  /// Returns the header of a record of the body.
  /// - Parameter count: of its content, in bytes: at most `contentSize`.
  func header(contentLength count: Int) -> [UInt8] { header(FCGI_STDOUT, count) }

  /// Returns the records that hold some bytes.
  func records(_ bytes: some Collection<UInt8>) -> [UInt8] {
    var output: [UInt8] = []
    var rest = bytes[...]
    while !rest.isEmpty {
      let content = rest.prefix(Self.contentSize)
      output += header(contentLength: content.count)
      output += content
      rest = rest.dropFirst(content.count)
    }
    return output
  }

  /// Returns the record that ends the response as complete.
  func end() -> [UInt8] {
    // The application's status, 0, and the protocol's, which is 0 for a complete request.
    header(FCGI_END_REQUEST, 8) + [UInt8](repeating: 0, count: 8)
  }

  private func header(_ type: Int32, _ count: Int) -> [UInt8] {
    [
      UInt8(FCGI_VERSION_1), UInt8(type), UInt8(id >> 8), UInt8(id & 255), UInt8(count >> 8), UInt8(count & 255), 0, 0,
    ]
  }
}
