/// An absolute `http` or `https` URL that preserves its path and query byte for byte.
///
/// A signed URL is only valid exactly as written, so nothing is decoded, re-encoded or normalised but the case of
/// scheme and host. User information and fragments are rejected.
/// <https://www.rfc-editor.org/rfc/rfc3986>
package struct HTTPURL: Hashable, Sendable {
  package enum Scheme: String, Sendable {
    case http
    case https

    package var defaultPort: Int { self == .http ? 80 : 443 }
  }

  package let scheme: Scheme
  /// A name, an IPv4 address, or an IPv6 address in brackets; in lower case.
  package let host: String
  /// The port as written; `nil` stands for the scheme's default.
  package let port: Int?
  /// Path and query, beginning with `/`.
  package let target: String

  package init(scheme: Scheme, host: String, port: Int? = nil, target: String = "/") {
    self.scheme = scheme
    self.host = host
    self.port = port
    self.target = target
  }

  /// Parses an absolute URL; `nil` if it is not `http` or `https`, or is malformed.
  package init?(_ text: some StringProtocol) {
    guard text.utf8.allSatisfy(\.isVisible), let separator = text.firstRange(of: "://"),
      let scheme = Scheme(rawValue: text[..<separator.lowerBound].lowercased())
    else { return nil }
    let rest = text[separator.upperBound...]
    let authorityEnd = rest.firstIndex { $0 == "/" || $0 == "?" || $0 == "#" } ?? rest.endIndex
    guard let (host, port) = Self.parseAuthority(rest[..<authorityEnd]) else { return nil }
    let target = rest[authorityEnd...]
    guard !target.utf8.contains(UInt8(ascii: "#")) else { return nil }
    self.init(scheme: scheme, host: host, port: port, target: target.hasPrefix("/") ? String(target) : "/\(target)")
  }

  package var effectivePort: Int { port ?? scheme.defaultPort }

  /// The path, without the query.
  package var path: Substring { target.prefix { $0 != "?" } }

  /// Returns whether scheme, host and port are equal, so that credentials for one URL may go to the other.
  package func isSameOrigin(as other: HTTPURL) -> Bool {
    scheme == other.scheme && host == other.host && effectivePort == other.effectivePort
  }

  package func replacingTarget(_ target: String) -> HTTPURL {
    HTTPURL(scheme: scheme, host: host, port: port, target: target)
  }

  /// `host`, or `host:port` if a port was written.
  package var authority: String { port.map { "\(host):\($0)" } ?? host }

  /// `scheme://host[:port]`.
  package var origin: String { "\(scheme.rawValue)://\(authority)" }

  private static func parseAuthority(_ text: some StringProtocol) -> (host: String, port: Int?)? {
    let hostEnd: String.Index
    if text.hasPrefix("[") {
      guard let bracket = text.firstIndex(of: "]") else { return nil }
      hostEnd = text.index(after: bracket)
      let address = text[..<bracket].dropFirst()
      guard !address.isEmpty, address.utf8.allSatisfy({ $0.hexDigitValue != nil || $0 == 0x3A || $0 == 0x2E }) else {
        return nil
      }
    } else {
      hostEnd = text.firstIndex(of: ":") ?? text.endIndex
      let isNameByte = { (byte: UInt8) in
        byte.isLetter || byte.isDigit || byte == UInt8(ascii: "-") || byte == UInt8(ascii: ".")
          || byte == UInt8(ascii: "_")
      }
      let name = text[..<hostEnd]
      // An empty label is only valid at the end, as the root: code that compares labels would skip it.
      guard !name.isEmpty, name.utf8.allSatisfy(isNameByte), !name.hasPrefix("."), !name.contains("..") else {
        return nil
      }
    }
    let host = text[..<hostEnd].lowercased()
    let rest = text[hostEnd...]
    if rest.isEmpty { return (host, nil) }
    guard rest.hasPrefix(":"), rest.dropFirst().utf8.allSatisfy(\.isDigit) else { return nil }
    if rest.dropFirst().isEmpty { return (host, nil) }
    guard let port = Int(rest.dropFirst()), (1...65535).contains(port) else { return nil }
    return (host, port)
  }
}

extension HTTPURL: CustomStringConvertible {
  package var description: String { origin + target }

  /// The URL without its query, which may hold a signature: the form for logs and errors.
  package var redacted: String { origin + path }
}
