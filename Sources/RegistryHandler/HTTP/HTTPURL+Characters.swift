extension HTTPURL {
  /// True if path and query have only characters of a URI, so that any HTTP client sends them unchanged.
  ///
  /// A client escapes other characters, which invalidates a signature.
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
