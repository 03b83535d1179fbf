/// The target of a request as nginx received it: path segments that are never decoded, and a query decoded once.
package struct RequestTarget: Equatable, Sendable {
  /// The segments of the path, without the leading slash. `/v2/` is `["v2", ""]`.
  package let segments: [Substring]
  package let query: Query

  /// Parses the raw target (`REQUEST_URI`).
  ///
  /// Any `%`, empty or dot segment, or byte outside visible ASCII is rejected here, so that later code never has to
  /// decide whether two spellings mean the same path.
  package init(_ raw: String) throws(RouteError) {
    let pathEnd = raw.utf8.firstIndex(of: UInt8(ascii: "?")) ?? raw.endIndex
    // The query may hold secrets, which no log or error should show: these errors quote only the path.
    let path = raw[..<pathEnd]
    let malformed = { (why: String) in RouteError.malformedPath(String(path), why) }
    guard path.utf8.first == UInt8(ascii: "/") else { throw malformed("it does not begin with '/'") }
    if let byte = Self.refusedByte(in: path) { throw malformed(Self.reason(for: byte)) }
    // Bytes, as the path is ASCII: splitting characters takes ten times as long.
    let segments = path.utf8.dropFirst().split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
      .map { Substring($0) }
    for (index, segment) in segments.enumerated() {
      if segment == "." || segment == ".." { throw malformed("it has a '\(segment)' segment") }
      if segment.isEmpty, index < segments.count - 1 { throw malformed("it has an empty segment") }
    }
    self.segments = segments
    do throws(MalformedQuery) {
      self.query = try Query(pathEnd == raw.endIndex ? "" : raw[raw.index(after: pathEnd)...])
    } catch {
      throw .malformedQuery(error.parameter)
    }
  }

  /// Returns the first byte that is not allowed in a path.
  private static func refusedByte(in path: Substring) -> UInt8? {
    var path = path
    return path.withUTF8 { bytes in
      bytes.first { byte in
        switch byte {
        case UInt8(ascii: "%"), UInt8(ascii: "#"), UInt8(ascii: ";"), UInt8(ascii: "\\"): true
        default: !byte.isVisible
        }
      }
    }
  }

  private static func reason(for byte: UInt8) -> String {
    switch byte {
    case UInt8(ascii: "%"): "names need no percent-encoding"
    case _ where byte.isVisible: "'\(Character(UnicodeScalar(byte)))' is not allowed in a path"
    default: "it contains a byte that is not allowed in a path"
    }
  }
}
