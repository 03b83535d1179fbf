/// The parameters of a query in order, each decoded once.
package struct Query: Equatable, Sendable {
  package let parameters: [(name: String, value: String)]

  /// Parses `name=value&...`; throws for a value with control bytes, a broken escape or invalid UTF-8.
  package init(_ text: Substring) throws(MalformedQuery) {
    var parameters: [(name: String, value: String)] = []
    for item in text.split(separator: "&") {
      let parts = item.split(separator: "=", maxSplits: 1, omittingEmptySubsequences: false)
      guard let name = Self.decoded(parts[0]), let value = Self.decoded(parts.count == 2 ? parts[1] : "") else {
        throw MalformedQuery(parameter: String(parts[0]))
      }
      parameters.append((name, value))
    }
    self.parameters = parameters
  }

  package static func == (left: Query, right: Query) -> Bool {
    left.parameters.elementsEqual(right.parameters) { $0.name == $1.name && $0.value == $1.value }
  }

  /// The first value of a parameter.
  package subscript(name: String) -> String? { parameters.first { $0.name == name }?.value }

  private static func decoded(_ text: Substring) -> String? {
    var bytes: [UInt8] = []
    var rest = text.utf8[...]
    while let byte = rest.popFirst() {
      switch byte {
      case UInt8(ascii: "%"):
        guard let high = rest.popFirst()?.hexDigitValue, let low = rest.popFirst()?.hexDigitValue else { return nil }
        bytes.append(high << 4 | low)
      case UInt8(ascii: "+"): bytes.append(UInt8(ascii: " "))
      default: bytes.append(byte)
      }
    }
    guard bytes.allSatisfy({ $0 >= 0x20 && $0 != 0x7F }) else { return nil }
    return String(validating: bytes, as: UTF8.self)
  }
}
