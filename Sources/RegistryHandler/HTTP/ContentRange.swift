/// The part of the content that a response carries: `bytes 0-499/1234`.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-14.4>
package struct ContentRange: Equatable, Sendable {
  /// The offsets of the part, in bytes.
  package let part: Range<Int64>
  /// The size of the whole content in bytes; `nil` if unknown.
  package let size: Int64?

  /// Parses the value of `Content-Range`; `nil` for an unsatisfied range, another unit or a malformed value.
  package init?(_ header: String) {
    guard header.lowercased().hasPrefix("bytes ") else { return nil }
    let fields = header.dropFirst("bytes ".count).trimmingSpaces.split(separator: "/", omittingEmptySubsequences: false)
    guard fields.count == 2 else { return nil }
    let offsets = fields[0].split(separator: "-", omittingEmptySubsequences: false).map(Self.number)
    guard offsets.count == 2, let first = offsets[0], let last = offsets[1], first <= last, last < .max else {
      return nil
    }
    part = first..<last + 1
    if fields[1] == "*" {
      size = nil
    } else {
      guard let size = Self.number(fields[1]), last < size else { return nil }
      self.size = size
    }
  }

  private static func number(_ text: Substring) -> Int64? {
    text.utf8.allSatisfy(\.isDigit) ? Int64(text) : nil
  }
}
