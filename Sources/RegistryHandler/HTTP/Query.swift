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
    // A form's plus sign is a space; an escaped one is itself.
    String(decoding: text.utf8.map { $0 == UInt8(ascii: "+") ? UInt8(ascii: " ") : $0 }, as: UTF8.self).percentDecoded
  }
}
