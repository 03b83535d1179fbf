extension String {
  /// The text as a query's value, with every byte but the unreserved ones percent-encoded.
  /// <https://www.rfc-editor.org/rfc/rfc3986#section-2.3>
  package var percentEncoded: String {
    var result = ""
    for byte in utf8 {
      if byte.isLetter || byte.isDigit || "-._~".utf8.contains(byte) {
        result.unicodeScalars.append(UnicodeScalar(byte))
      } else {
        let digits = [(byte >> 4).hexDigit, (byte & 15).hexDigit]
        result += "%" + String(decoding: digits, as: UTF8.self).uppercased()
      }
    }
    return result
  }
}
