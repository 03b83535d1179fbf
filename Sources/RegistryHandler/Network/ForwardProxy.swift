/// A proxy through which upstreams are reached, by CONNECT.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-9.3.6>
package struct ForwardProxy: Hashable, Sendable {
  package let host: String
  package let port: Int
  package let credentials: Credentials?

  /// Parses `http://user:password@host:port`, with escapes in name and password; `nil` for anything else.
  package init?(_ text: String) {
    var rest = text[...]
    if let separator = text.firstRange(of: "://") {
      guard text[..<separator.lowerBound].lowercased() == "http" else { return nil }
      rest = text[separator.upperBound...]
    }
    var credentials: Credentials?
    if let at = rest.lastIndex(of: "@") {
      let parts = rest[..<at].split(separator: ":", maxSplits: 1, omittingEmptySubsequences: false)
      guard let username = parts[0].percentDecoded,
        let password = parts.count == 2 ? parts[1].percentDecoded : "",
        let parsed = Credentials(username: username, password: password)
      else { return nil }
      credentials = parsed
      rest = rest[rest.index(after: at)...]
    }
    guard let url = HTTPURL("http://\(rest)"), url.target == "/" else { return nil }
    host = url.host
    port = url.effectivePort
    self.credentials = credentials
  }
}

extension ForwardProxy: CustomStringConvertible {
  /// The URL without credentials.
  package var description: String { "http://\(host):\(port)" }
}
