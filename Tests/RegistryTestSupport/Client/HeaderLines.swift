/// Header lines in order; a name may occur several times.
package struct HeaderLines: Sendable, Equatable, Sequence, ExpressibleByDictionaryLiteral {
  package struct Line: Sendable, Equatable {
    package var name: String
    package var value: String
  }

  package private(set) var lines: [Line] = []

  package init() {}

  package init(dictionaryLiteral elements: (String, String)...) {
    for (name, value) in elements { append(name, value) }
  }

  package mutating func append(_ name: String, _ value: String) { lines.append(Line(name: name, value: value)) }

  package func makeIterator() -> IndexingIterator<[Line]> { lines.makeIterator() }

  /// Returns every value of a name; case does not matter.
  package func all(_ name: String) -> [String] {
    let wanted = name.lowercased()
    return lines.filter { $0.name.lowercased() == wanted }.map(\.value)
  }

  /// The first value of a name.
  package subscript(_ name: String) -> String? { all(name).first }

  package func contains(_ name: String) -> Bool { !all(name).isEmpty }

  /// Returns these lines, then the other lines whose names do not occur here.
  package func completed(by other: HeaderLines) -> HeaderLines {
    var result = self
    for line in other where !contains(line.name) { result.append(line.name, line.value) }
    return result
  }
}
