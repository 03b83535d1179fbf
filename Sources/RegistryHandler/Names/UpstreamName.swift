/// The name of an upstream as in image references: a host, with an optional port, such as `docker.io`.
///
/// Lower-case letters, digits, `.` and `-`, then an optional `:` and port. The name is a directory of the store and can
/// be the first segment of a request's path.
package struct UpstreamName: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  package init?(_ text: some StringProtocol) {
    let text = String(text)
    let parts = text.utf8.split(separator: UInt8(ascii: ":"), omittingEmptySubsequences: false)
    guard let host = parts.first, parts.count <= 2, let first = host.first, let last = host.last,
      first.isLowercaseLetter || first.isDigit, last.isLowercaseLetter || last.isDigit, text.utf8.count <= 253
    else { return nil }
    var previous: UInt8 = 0
    for byte in host {
      guard byte.isLowercaseLetter || byte.isDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: "."),
        !(byte == UInt8(ascii: ".") && previous == byte)
      else { return nil }
      previous = byte
    }
    if parts.count == 2 {
      guard (1...5).contains(parts[1].count), parts[1].allSatisfy(\.isDigit) else { return nil }
    }
    self.description = text
  }
}

extension UpstreamName: Comparable {
  package static func < (left: UpstreamName, right: UpstreamName) -> Bool { left.description < right.description }
}
