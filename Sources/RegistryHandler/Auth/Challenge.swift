/// A challenge of a `WWW-Authenticate` header.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-11.6.1>
package struct Challenge: Equatable, Sendable {
  /// The scheme in lower case, such as `bearer` or `basic`.
  package let scheme: String
  /// The parameters by their names in lower case.
  package let parameters: [String: String]

  package init(scheme: String, parameters: [String: String]) {
    self.scheme = scheme
    self.parameters = parameters
  }

  /// Parses the lines of the header: any number of challenges, in any order, with commas and escapes inside quotes.
  ///
  /// A violation of the grammar ends the parsing of its line; the challenges before it remain.
  package static func parse(_ lines: some Sequence<String>) -> [Challenge] {
    lines.flatMap { line in
      var parser = ChallengeParser(line)
      return parser.challenges()
    }
  }
}

private struct ChallengeParser {
  private var rest: ArraySlice<UInt8>

  init(_ line: String) { rest = Array(line.utf8)[...] }

  mutating func challenges() -> [Challenge] {
    var challenges: [Challenge] = []
    skip { $0 == UInt8(ascii: ",") || Self.isSpace($0) }
    while let scheme = token() {
      guard rest.isEmpty || Self.isSpace(rest[rest.startIndex]) || rest.first == UInt8(ascii: ",") else { break }
      skip(Self.isSpace)
      skipToken68()
      guard let parameters = parameters() else { break }
      challenges.append(Challenge(scheme: scheme.lowercased(), parameters: parameters))
    }
    return challenges
  }

  /// Returns the parameters up to the next scheme or the end; `nil` if one is malformed.
  private mutating func parameters() -> [String: String]? {
    var parameters: [String: String] = [:]
    while true {
      skip { $0 == UInt8(ascii: ",") || Self.isSpace($0) }
      if rest.isEmpty { return parameters }
      let start = rest
      guard let name = token() else { return nil }
      skip(Self.isSpace)
      guard rest.first == UInt8(ascii: "=") else {
        // A word without a value is the scheme of the next challenge.
        rest = start
        return parameters
      }
      rest.removeFirst()
      skip(Self.isSpace)
      guard let value = rest.first == UInt8(ascii: "\"") ? quotedString() : token(),
        parameters.updateValue(value, forKey: name.lowercased()) == nil
      else { return nil }
      skip(Self.isSpace)
      guard rest.isEmpty || rest.first == UInt8(ascii: ",") else { return nil }
    }
  }

  /// Skips a `token68`, which some schemes have instead of parameters.
  /// <https://www.rfc-editor.org/rfc/rfc9110#section-11.2>
  private mutating func skipToken68() {
    var after = rest.drop(while: { $0.isLetter || $0.isDigit || "-._~+/".utf8.contains($0) })
    after = after.drop(while: { $0 == UInt8(ascii: "=") })
    after = after.drop(while: Self.isSpace)
    guard after.startIndex > rest.startIndex, after.isEmpty || after.first == UInt8(ascii: ",") else { return }
    rest = after
  }

  private mutating func token() -> String? {
    let bytes = rest.prefix(while: \.isTokenCharacter)
    rest = rest.dropFirst(bytes.count)
    return bytes.isEmpty ? nil : String(decoding: bytes, as: UTF8.self)
  }

  private mutating func quotedString() -> String? {
    rest.removeFirst()
    var bytes: [UInt8] = []
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "\""): return String(validating: bytes, as: UTF8.self)
      case UInt8(ascii: "\\"):
        guard let escaped = rest.popFirst(), escaped >= 0x20, escaped != 0x7F else { return nil }
        bytes.append(escaped)
      case 0..<0x20, 0x7F: return nil
      default: bytes.append(byte)
      }
    }
    return nil
  }

  private mutating func skip(_ isSkipped: (UInt8) -> Bool) { rest = rest.drop(while: isSkipped) }

  private static func isSpace(_ byte: UInt8) -> Bool { byte == UInt8(ascii: " ") || byte == UInt8(ascii: "\t") }
}
