/// A host with all its subdomains and an optional port: `amazonaws.com`, `127.0.0.1:9000`.
///
/// Whole labels match at the end: `amazonaws.com` matches `s3.eu.amazonaws.com`, not `notamazonaws.com`. An address
/// matches only itself.
package struct HostPattern: Hashable, Sendable, CustomStringConvertible {
  private let host: String
  private let port: Int?
  private let address: IPAddress?

  /// Parses `host` or `host:port`; `nil` if the text is neither.
  package init?(_ text: String) {
    guard !text.contains("/"), !text.contains("?"), let url = HTTPURL("http://\(text)/") else { return nil }
    host = Self.withoutFinalDot(url.host)
    port = url.port
    address = IPAddress(host)
  }

  package var description: String { port.map { "\(host):\($0)" } ?? host }

  /// Returns whether the host of a URL is this one or a subdomain, at the same port if there is one.
  package func matches(_ url: HTTPURL) -> Bool {
    if let port, port != url.effectivePort { return false }
    let candidate = Self.withoutFinalDot(url.host)
    if candidate == host { return true }
    if let address { return IPAddress(candidate) == address }
    return !Self.isAddress(host) && candidate.hasSuffix(".\(host)")
  }

  /// Returns whether the pattern has the very host of a URL, not a parent domain.
  package func matchesExactly(_ url: HTTPURL) -> Bool {
    matches(url) && (Self.withoutFinalDot(url.host) == host || address != nil)
  }

  /// Removes a final dot, which stands for the root of all names and changes nothing.
  static func withoutFinalDot(_ host: String) -> String { host.hasSuffix(".") ? String(host.dropLast()) : host }

  /// Returns whether a host is an IPv4 or IPv6 address rather than a name.
  package static func isAddress(_ host: String) -> Bool {
    host.hasPrefix("[") || host.utf8.allSatisfy { $0.isDigit || $0 == UInt8(ascii: ".") }
  }
}
