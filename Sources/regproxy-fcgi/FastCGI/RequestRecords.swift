internal import CFastCGI

/// The records of a request that have arrived on a connection; pure.
///
/// libfcgi reads a request only once it is complete, so that it never waits for the rest.
/// <https://fastcgi-archives.github.io/FastCGI_Specification.html#S3.3>
struct RequestRecords: Equatable, Sendable {
  enum Completeness: Equatable, Sendable {
    case incomplete
    /// All parameters have arrived.
    case parameters
    /// All parameters and the whole body, which is empty as a rule, have arrived.
    case whole
    /// The peer is no FastCGI client, or sends what no web server sends.
    case invalid
  }

  /// The most bytes that the parameters of a request may take: nginx sends them in one record of at most 65,535.
  static let maximumSize = 128 << 10

  let completeness: Completeness
  /// True where the peer may send a further request on the connection, and has sent none yet.
  let isConnectionKept: Bool

  /// - Parameter bytes: the beginning of the connection's input.
  init(_ bytes: UnsafeRawBufferPointer) {
    let (completeness, size) = Self.examine(bytes)
    self.completeness = completeness
    isConnectionKept =
      completeness == .whole && size == bytes.count && Int32(bytes[Self.flagsOffset]) & FCGI_KEEP_CONN != 0
  }

  /// The place of the flags in the first record.
  private static let flagsOffset = headerSize + 2

  private static let headerSize = 8

  /// Returns what has arrived, and the size of the records in bytes.
  private static func examine(_ bytes: UnsafeRawBufferPointer) -> (Completeness, size: Int) {
    var result = Completeness.incomplete
    var offset = 0
    var id: UInt16?
    var parameters: [UInt8] = []
    while bytes.count - offset >= headerSize {
      let header = UnsafeRawBufferPointer(rebasing: bytes[offset..<offset + headerSize])
      let type = Int32(header[1])
      let number = UInt16(header[2]) << 8 | UInt16(header[3])
      let length = Int(header[4]) << 8 | Int(header[5])
      // A record without a request, such as a question for the library's limits, is nothing that a web server sends.
      guard Int32(header[0]) == FCGI_VERSION_1, number != 0, number == id ?? number,
        (type == FCGI_BEGIN_REQUEST) == (offset == 0)
      else { return (.invalid, offset) }
      id = number
      let content = offset + headerSize
      offset = content + length + Int(header[6])
      switch (type, result) {
      case (FCGI_BEGIN_REQUEST, _):
        guard length == beginSize,
          content + 2 > bytes.count || bytes[content] == 0 && Int32(bytes[content + 1]) == FCGI_RESPONDER
        else { return (.invalid, offset) }
      case (FCGI_PARAMS, .incomplete) where length == 0:
        guard areWellFormed(parameters) else { return (.invalid, offset) }
        result = .parameters
      case (FCGI_PARAMS, .incomplete):
        parameters += bytes[min(content, bytes.count)..<min(content + length, bytes.count)]
      case (FCGI_STDIN, .parameters) where length == 0:
        return (offset <= bytes.count ? .whole : .parameters, offset)
      case (FCGI_STDIN, .parameters): break
      default: return (.invalid, offset)
      }
    }
    return (result == .incomplete && bytes.count >= maximumSize ? .invalid : result, offset)
  }

  /// The size of the content of the first record, in bytes.
  private static let beginSize = 8

  /// Returns whether the lengths of names and values add up, as libfcgi closes the connection otherwise.
  /// <https://fastcgi-archives.github.io/FastCGI_Specification.html#S3.4>
  private static func areWellFormed(_ parameters: [UInt8]) -> Bool {
    var rest = parameters[...]
    while !rest.isEmpty {
      guard let name = takeLength(&rest), let value = takeLength(&rest), name + value <= rest.count else {
        return false
      }
      rest = rest.dropFirst(name + value)
    }
    return true
  }

  private static func takeLength(_ bytes: inout ArraySlice<UInt8>) -> Int? {
    guard let first = bytes.first else { return nil }
    let size = first < 0x80 ? 1 : 4
    guard bytes.count >= size else { return nil }
    defer { bytes = bytes.dropFirst(size) }
    return size == 1 ? Int(first) : bytes.prefix(4).reduce(0) { $0 << 8 | Int($1) } & 0x7FFF_FFFF
  }
}
