internal import FoundationEssentials

/// Output of one JSON object per line. <https://jsonlines.org>
enum JSONLines {
  /// Prints an object on a line of its own.
  static func print(_ value: some Encodable) {
    if let line = try? line(value) { Swift.print(line) }
  }

  /// Returns an object as a line, its keys sorted.
  static func line(_ value: some Encodable) throws -> String {
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return String(decoding: try encoder.encode(value), as: UTF8.self)
  }
}
