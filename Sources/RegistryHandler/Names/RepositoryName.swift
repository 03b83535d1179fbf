/// The name of a repository within a registry, such as `library/alpine`.
///
/// One or more path components of lower-case letters, digits and single separators (`.`, `_`, `__` or any number of
/// `-`), at most 255 bytes in all. No component can be `.` or `..`, so a name is safe as a relative path.
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests>
package struct RepositoryName: Hashable, Sendable {
  /// The limit that the specification recommends, in bytes, without the host.
  package static let maximumLength = 255

  private let text: String

  /// Parses a name; `nil` if it is not valid.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.count <= Self.maximumLength, Self.isName(text.utf8) else { return nil }
    self.text = String(text)
  }

  /// True if the name has one component only, as the official images of Docker Hub have.
  package var isSingleComponent: Bool { !text.utf8.contains(UInt8(ascii: "/")) }

  /// Returns the name inside a namespace: `alpine` in `library` is `library/alpine`; `nil` if that is too long.
  package func inside(_ namespace: String) -> RepositoryName? { RepositoryName("\(namespace)/\(text)") }

  /// Returns whether bytes are `component *("/" component)`: runs of letters and digits, joined by one separator each.
  private static func isName(_ bytes: some Collection<UInt8>) -> Bool {
    // The separator bytes since the last letter or digit: their number, and the byte that all of them are.
    var (count, separator) = (0, UInt8(0))
    var isInComponent = false
    for byte in bytes {
      switch byte {
      case UInt8(ascii: "/"):
        guard isInComponent, count == 0 else { return false }
        isInComponent = false
      case UInt8(ascii: "."), UInt8(ascii: "_"), UInt8(ascii: "-"):
        guard isInComponent, count == 0 || byte == separator else { return false }
        (count, separator) = (count + 1, byte)
      default:
        guard byte.isLowercaseLetter || byte.isDigit else { return false }
        switch separator {
        case UInt8(ascii: ".") where count > 1, UInt8(ascii: "_") where count > 2: return false
        default: break
        }
        (isInComponent, count) = (true, 0)
      }
    }
    return isInComponent && count == 0
  }
}

extension RepositoryName: CustomStringConvertible {
  package var description: String { text }
}
