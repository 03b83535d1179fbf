/// The name of a tag: at most 128 letters, digits, `_`, `.` and `-`; the first is a letter, a digit or `_`.
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests>
package struct TagName: Hashable, Sendable, CustomStringConvertible {
  package static let maximumLength = 128

  package let description: String

  package init?(_ text: some StringProtocol) {
    guard let first = text.utf8.first, Self.isWordByte(first), text.utf8.count <= Self.maximumLength,
      text.utf8.allSatisfy({ Self.isWordByte($0) || $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: "-") })
    else { return nil }
    self.description = String(text)
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    byte.isLetter || byte.isDigit || byte == UInt8(ascii: "_")
  }
}
