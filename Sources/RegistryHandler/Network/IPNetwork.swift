/// A block of addresses: `10.0.0.0/8`, `fd00::/8`, or a single one.
/// <https://www.rfc-editor.org/rfc/rfc4632#section-3.1>
package struct IPNetwork: Hashable, Sendable {
  private let base: IPAddress
  /// The prefix length within the 128 bits of ``IPAddress``.
  private let length: Int

  /// Parses `address/length` or an address; `nil` if the text is neither, or bits are set beyond the length.
  package init?(_ text: String) {
    let parts = text.split(separator: "/", maxSplits: 1, omittingEmptySubsequences: false)
    guard let base = IPAddress(parts[0]) else { return nil }
    let offset = base.isIPv4 ? 96 : 0
    var length = 128
    if parts.count == 2 {
      guard !parts[1].isEmpty, parts[1].utf8.allSatisfy(\.isDigit), let written = Int(parts[1]),
        written <= 128 - offset
      else { return nil }
      length = offset + written
    }
    self.base = base
    self.length = length
    guard base.bits & ~mask == 0 else { return nil }
  }

  package func contains(_ address: IPAddress) -> Bool {
    // Without the first check `::/0` would contain every IPv4 address too.
    address.isIPv4 == base.isIPv4 && address.bits & mask == base.bits
  }

  private var mask: UInt128 { length == 0 ? 0 : ~0 << UInt128(128 - length) }
}
