/// A host with all the hosts below it, and perhaps a port: `amazonaws.com`, `127.0.0.1:9000`.
///
/// Whole labels match at the end: `amazonaws.com` matches `s3.eu.amazonaws.com`, not `notamazonaws.com`. An address
/// matches itself only.
package struct HostPattern: Hashable, Sendable, CustomStringConvertible {
  private let host: String
  private let port: Int?
  private let address: IPAddress?

  /// Parses `host` or `host:port`; `nil` when it is neither.
  package init?(_ text: String) {
    guard !text.contains("/"), !text.contains("?"), let url = HTTPURL("http://\(text)/") else { return nil }
    host = Self.withoutFinalDot(url.host)
    port = url.port
    address = IPAddress(host)
  }

  package var description: String { port.map { "\(host):\($0)" } ?? host }

  package func matches(_ url: HTTPURL) -> Bool {
    if let port, port != url.effectivePort { return false }
    let asked = Self.withoutFinalDot(url.host)
    if asked == host { return true }
    if let address { return IPAddress(asked) == address }
    return !Self.isAddress(host) && asked.hasSuffix(".\(host)")
  }

  /// Whether the host itself is written here, not one above it.
  package func matchesExactly(_ url: HTTPURL) -> Bool {
    matches(url) && (Self.withoutFinalDot(url.host) == host || address != nil)
  }

  /// A final dot is the root of all names, and changes nothing.
  private static func withoutFinalDot(_ host: String) -> String { host.hasSuffix(".") ? String(host.dropLast()) : host }

  /// Whether a host is an IPv4 or IPv6 address rather than a name.
  package static func isAddress(_ host: String) -> Bool {
    host.hasPrefix("[") || host.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
  }
}
