/// Rows of text in columns.
struct TextTable {
  private let rows: [[String]]

  init(_ rows: [[String]]) { self.rows = rows }

  /// The lines of the table: columns are padded to their widest text, the last column is not.
  var lines: [String] {
    var widths: [Int] = []
    for row in rows {
      for (column, text) in row.enumerated() {
        if column < widths.count { widths[column] = max(widths[column], text.count) } else { widths.append(text.count) }
      }
    }
    return rows.map { row in
      row.enumerated()
        .map { column, text in
          column == row.count - 1 ? text : text + String(repeating: " ", count: widths[column] - text.count)
        }
        .joined(separator: "  ")
    }
  }

  func print() {
    for line in lines { Swift.print(line) }
  }
}
