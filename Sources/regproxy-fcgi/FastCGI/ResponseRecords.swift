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
  func header(contentLength count: Int) -> [UInt8] {
    var output: [UInt8] = []
    appendHeader(FCGI_STDOUT, count, to: &output)
    return output
  }

  /// The size of what surrounds the content in a response of one record, in bytes.
  static let overhead = 32

  /// Appends the records that hold some bytes.
  func append(_ bytes: ArraySlice<UInt8>, to output: inout [UInt8]) {
    var rest = bytes
    while !rest.isEmpty {
      let content = rest.prefix(Self.contentSize)
      appendHeader(FCGI_STDOUT, content.count, to: &output)
      output += content
      rest = rest.dropFirst(content.count)
    }
  }

  /// Appends the records of what the closure appends.
  func append(to output: inout [UInt8], _ appendContent: (inout [UInt8]) -> Void) {
    let start = output.count
    appendHeader(FCGI_STDOUT, 0, to: &output)
    let contentStart = output.count
    appendContent(&output)
    let count = output.count - contentStart
    if count > 0, count <= Self.contentSize {
      output[start + 4] = UInt8(count >> 8)
      output[start + 5] = UInt8(count & 255)
    } else {
      let content = Array(output[contentStart...])
      output.removeSubrange(start...)
      append(content[...], to: &output)
    }
  }

  /// Appends the record that ends the response as complete.
  func appendEnd(to output: inout [UInt8]) {
    appendHeader(FCGI_END_REQUEST, 8, to: &output)
    // The application's status, 0, and the protocol's, which is 0 for a complete request.
    output.append(contentsOf: repeatElement(0, count: 8))
  }

  private func appendHeader(_ type: Int32, _ count: Int, to output: inout [UInt8]) {
    output.append(UInt8(FCGI_VERSION_1))
    output.append(UInt8(type))
    output.append(UInt8(id >> 8))
    output.append(UInt8(id & 255))
    output.append(UInt8(count >> 8))
    output.append(UInt8(count & 255))
    output.append(0)
    output.append(0)
  }
}
