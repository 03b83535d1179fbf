extension StringProtocol {
  /// The text without leading and trailing spaces and tabs.
  package var trimmingSpaces: SubSequence {
    var result = self[...]
    while let first = result.first, first == " " || first == "\t" { result = result.dropFirst() }
    while let last = result.last, last == " " || last == "\t" { result = result.dropLast() }
    return result
  }
}
