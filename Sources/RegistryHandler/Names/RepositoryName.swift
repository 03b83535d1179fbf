/// The name of a repository within a registry, such as `library/alpine`.
///
/// One or more path components of lower-case letters, digits and single separators (`.`, `_`, `__` or any number of
/// `-`), at most 255 bytes in all. No component can be `.` or `..`, so a name is safe as a relative path.
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#pulling-manifests>
package struct RepositoryName: Hashable, Sendable {
  /// What the specification recommends as the limit, host not included.
  package static let maximumLength = 255

  private let text: String

  /// Parses a name; `nil` when it is not one.
  package init?(_ text: some StringProtocol) {
    guard !text.isEmpty, text.utf8.count <= Self.maximumLength else { return nil }
    for component in text.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false) {
      guard Self.isPathComponent(component) else { return nil }
    }
    self.text = String(text)
  }

  /// Whether the name has one component only, as the official images of Docker Hub do.
  package var isSingleComponent: Bool { !text.utf8.contains(UInt8(ascii: "/")) }

  /// The name below another namespace: `alpine` in `library` is `library/alpine`; `nil` when that is too long.
  package func inside(_ namespace: String) -> RepositoryName? { RepositoryName("\(namespace)/\(text)") }

  private static func isPathComponent(_ component: some Collection<UInt8>) -> Bool {
    var separator: [UInt8] = []
    var endsWithAlphanumeric = false
    for byte in component {
      if byte.isLowercaseLetter || byte.isDigit {
        guard separator.isEmpty || isSeparator(separator) else { return false }
        separator.removeAll(keepingCapacity: true)
        endsWithAlphanumeric = true
      } else {
        guard endsWithAlphanumeric || !separator.isEmpty else { return false }
        separator.append(byte)
        endsWithAlphanumeric = false
      }
    }
    return endsWithAlphanumeric
  }

  private static func isSeparator(_ bytes: [UInt8]) -> Bool {
    switch bytes {
    case [UInt8(ascii: ".")], [UInt8(ascii: "_")], [UInt8(ascii: "_"), UInt8(ascii: "_")]: true
    default: bytes.allSatisfy { $0 == UInt8(ascii: "-") }
    }
  }
}

extension RepositoryName: CustomStringConvertible {
  package var description: String { text }
}
