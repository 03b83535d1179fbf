extension HTTPURL {
  /// Whether path and query hold only what a URL may, so that any HTTP client sends them as they are; one that holds more
  /// would be escaped on the way, and its signature be wrong.
  ///
  /// <https://www.rfc-editor.org/rfc/rfc3986#appendix-A>
  package var hasOnlyURICharacters: Bool {
    var rest = target.utf8[...]
    while let byte = rest.popFirst() {
      if byte == UInt8(ascii: "%") {
        guard rest.popFirst()?.hexDigitValue != nil, rest.popFirst()?.hexDigitValue != nil else { return false }
      } else {
        guard byte.isLetter || byte.isDigit || Self.otherBytes.contains(byte) else { return false }
      }
    }
    return true
  }

  private static let otherBytes = Set("-._~!$&'()*+,;=:@/?".utf8)
}
