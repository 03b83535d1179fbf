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

extension StringProtocol {
  /// The text without escapes; `nil` with a broken escape, a control character or invalid UTF-8.
  package var percentDecoded: String? {
    var bytes: [UInt8] = []
    var rest = Array(utf8)[...]
    while let byte = rest.popFirst() {
      guard byte == UInt8(ascii: "%") else {
        bytes.append(byte)
        continue
      }
      guard let high = rest.popFirst()?.hexDigitValue, let low = rest.popFirst()?.hexDigitValue else { return nil }
      bytes.append(high << 4 | low)
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}
