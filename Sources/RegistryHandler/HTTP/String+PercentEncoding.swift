extension String {
  /// The text as it may stand in a query's value: everything but unreserved bytes is percent-encoded.
  /// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
  package var percentEncoded: String {
    var result = ""
    for byte in utf8 {
      if byte.isLetter || byte.isDigit || "-._~".utf8.contains(byte) {
        result.unicodeScalars.append(UnicodeScalar(byte))
      } else {
        let hex = String(byte, radix: 16, uppercase: true)
        result += hex.utf8.count == 1 ? "%0\(hex)" : "%\(hex)"
      }
    }
    return result
  }
}
