/// The part of a blob that a `Range` header requests. <https://www.rfc-editor.org/rfc/rfc9110#section-14.2>
package enum ByteRange: Equatable, Sendable {
  /// No range, or an ignored one: several ranges, another unit, bad syntax.
  case whole
  case part(Range<Int64>)
  /// A range behind the end of the content: 416.
  case unsatisfiable

  /// Parses the value of `Range` for content of `size` bytes.
  package init(_ header: String?, size: Int64) {
    guard let header, header.lowercased().hasPrefix("bytes=") else {
      self = .whole
      return
    }
    let parts = header.dropFirst("bytes=".count).trimmingSpaces
      .split(separator: "-", maxSplits: 1, omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ $0.utf8.allSatisfy(\.isDigit) }) else {
      self = .whole
      return
    }
    switch (Int64(parts[0]), Int64(parts[1])) {
    case (let first?, let last?) where first <= last: self = Self.part(from: first, to: last, of: size)
    case (let first?, nil) where parts[1].isEmpty: self = Self.part(from: first, to: size - 1, of: size)
    case (nil, let suffix?) where parts[0].isEmpty:
      self = suffix == 0 || size == 0 ? .unsatisfiable : .part(max(0, size - suffix)..<size)
    default: self = .whole
    }
  }

  private static func part(from first: Int64, to last: Int64, of size: Int64) -> ByteRange {
    first < size ? .part(first..<(last < size ? last + 1 : size)) : .unsatisfiable
  }
}
