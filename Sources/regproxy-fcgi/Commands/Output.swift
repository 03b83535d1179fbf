internal import FoundationEssentials

/// Prints an object on a line of its own. <https://jsonlines.org>
func printJSON(_ value: some Encodable) {
  let encoder = JSONEncoder()
  encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
  if let data = try? encoder.encode(value) { print(String(decoding: data, as: UTF8.self)) }
}

/// Prints rows in columns; the last column is as wide as it is.
func printTable(_ rows: [[String]]) {
  var widths: [Int] = []
  for row in rows {
    for (column, text) in row.enumerated() {
      if column < widths.count { widths[column] = max(widths[column], text.count) } else { widths.append(text.count) }
    }
  }
  for row in rows {
    let padded = row.enumerated()
      .map { column, text in
        column == row.count - 1 ? text : text + String(repeating: " ", count: widths[column] - text.count)
      }
    print(padded.joined(separator: "  "))
  }
}

/// A number of bytes, for people.
enum ByteCount {
  /// In decimal units, as `store.max_size` takes them, with three digits or so: `3.62 MB`.
  static func text(_ bytes: Int64) -> String {
    let units = ["B", "KB", "MB", "GB", "TB", "PB"]
    var (value, unit) = (Double(bytes), 0)
    while value >= 999.5, unit < units.count - 1 { (value, unit) = (value / 1000, unit + 1) }
    if unit == 0 { return "\(bytes) B" }
    let scale = value < 9.995 ? 100.0 : value < 99.95 ? 10 : 1
    let rounded = (value * scale).rounded() / scale
    return scale == 1 ? "\(Int(rounded)) \(units[unit])" : "\(rounded) \(units[unit])"
  }
}
