internal import Glibc

/// An IPv4 or IPv6 address.
///
/// An IPv4 address and its IPv4-mapped form (`::ffff:10.0.0.1`) are one value: they reach the same host.
/// <https://www.rfc-editor.org/rfc/rfc4291#section-2.5.5.2>
package struct IPAddress: Hashable, Sendable {
  /// The address in host byte order; IPv4 is below `::ffff:0:0/96`.
  let bits: UInt128

  private static let ipv4Prefix: UInt128 = 0xffff << 32

  init(bits: UInt128) { self.bits = bits }

  init(ipv4: UInt32) { bits = Self.ipv4Prefix | UInt128(ipv4) }

  /// Parses `192.0.2.1`, `2001:db8::1` or `[2001:db8::1]`; other spellings of a number, and zones, are not accepted.
  package init?(_ text: some StringProtocol) {
    let isBracketed = text.hasPrefix("[") && text.hasSuffix("]")
    let literal = isBracketed ? String(text.dropFirst().dropLast()) : String(text)
    var v4 = in_addr()
    if !isBracketed, inet_pton(AF_INET, literal, &v4) == 1 {
      self.init(ipv4: UInt32(bigEndian: v4.s_addr))
      return
    }
    var v6 = in6_addr()
    guard inet_pton(AF_INET6, literal, &v6) == 1 else { return nil }
    self.init(bits: withUnsafeBytes(of: v6) { $0.reduce(0) { $0 << 8 | UInt128($1) } })
  }

  /// The addresses that one host commonly has: an IPv4 address itself, or the first one of an IPv6 network of 64 bits.
  /// <https://www.rfc-editor.org/rfc/rfc6177#section-2>
  package var ownNetwork: IPAddress { isIPv4 ? self : IPAddress(bits: (bits >> 64) << 64) }

  package var isIPv4: Bool { bits >> 32 == Self.ipv4Prefix >> 32 }
}

extension IPAddress: CustomStringConvertible {
  /// The address without brackets, as in a configuration.
  package var description: String {
    var text = [CChar](repeating: 0, count: Int(INET6_ADDRSTRLEN))
    if isIPv4 {
      var address = in_addr(s_addr: UInt32(truncatingIfNeeded: bits).bigEndian)
      inet_ntop(AF_INET, &address, &text, socklen_t(text.count))
    } else {
      var address = bits.bigEndian
      inet_ntop(AF_INET6, &address, &text, socklen_t(text.count))
    }
    return String(decoding: text.prefix { $0 != 0 }.map(UInt8.init(bitPattern:)), as: UTF8.self)
  }
}
