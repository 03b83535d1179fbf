/// Fills the variables of an nginx template, `${REGPROXY_...}`; nginx's own (`$name`) stay unchanged.
struct Template: Sendable {
  /// A variable without a value.
  struct UnknownVariable: Error, Equatable, CustomStringConvertible {
    let name: String

    var description: String { "the template variable ${\(name)} has no value" }
  }

  private static let opening = "${REGPROXY_"

  let text: String

  /// Returns the text with every variable replaced. A variable alone on its line may have several lines, which take its
  /// indentation, or none, which removes the line.
  func filled(with values: [String: String]) throws(UnknownVariable) -> String {
    var lines: [String] = []
    for line in text.split(separator: "\n", omittingEmptySubsequences: false) {
      let content = line.drop { $0 == " " }
      if content.hasPrefix(Self.opening), content.hasSuffix("}"), content.dropFirst(2).firstIndex(of: "$") == nil {
        let value = try Self.value(of: content.dropFirst(2).dropLast(), values)
        guard !value.isEmpty else { continue }
        let indentation = line.prefix(line.count - content.count)
        for inner in value.split(separator: "\n", omittingEmptySubsequences: false) {
          lines.append(inner.isEmpty ? "" : String(indentation) + inner)
        }
      } else {
        lines.append(try Self.filled(line, values))
      }
    }
    return lines.joined(separator: "\n")
  }

  private static func filled(_ line: Substring, _ values: [String: String]) throws(UnknownVariable) -> String {
    var result = ""
    var rest = line
    while let start = rest.firstRange(of: opening), let end = rest[start.upperBound...].firstIndex(of: "}") {
      result += rest[..<start.lowerBound]
      result += try value(of: rest[rest.index(start.lowerBound, offsetBy: 2)..<end], values)
      rest = rest[rest.index(after: end)...]
    }
    return result + rest
  }

  private static func value(of name: some StringProtocol, _ values: [String: String]) throws(UnknownVariable) -> String
  {
    guard let value = values[String(name)] else { throw UnknownVariable(name: String(name)) }
    return value.hasSuffix("\n") ? String(value.dropLast()) : value
  }
}
