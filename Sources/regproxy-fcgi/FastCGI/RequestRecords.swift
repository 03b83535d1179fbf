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

  /// - Parameter bytes: the beginning of the connection's input.
  init(_ bytes: UnsafeRawBufferPointer) { completeness = Self.completeness(of: bytes) }

  private static let headerSize = 8

  private static func completeness(of bytes: UnsafeRawBufferPointer) -> Completeness {
    var result = Completeness.incomplete
    var offset = 0
    while bytes.count - offset >= headerSize {
      let type = Int32(bytes[offset + 1])
      let id = UInt16(bytes[offset + 2]) << 8 | UInt16(bytes[offset + 3])
      let length = Int(bytes[offset + 4]) << 8 | Int(bytes[offset + 5])
      // A record without a request, such as a question for the library's limits, is nothing that a web server sends.
      guard Int32(bytes[offset]) == FCGI_VERSION_1, id != 0, (type == FCGI_BEGIN_REQUEST) == (offset == 0) else {
        return .invalid
      }
      offset += headerSize + length + Int(bytes[offset + 6])
      switch type {
      case FCGI_PARAMS where length == 0: result = .parameters
      case FCGI_STDIN where length == 0 && result == .parameters: return offset <= bytes.count ? .whole : .parameters
      case FCGI_BEGIN_REQUEST, FCGI_PARAMS, FCGI_STDIN: break
      default: return .invalid
      }
    }
    return result == .incomplete && bytes.count >= maximumSize ? .invalid : result
  }
}
