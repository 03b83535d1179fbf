/// The proxies of this kind that a request has passed, according to its `Via`. Entries of others are not forwarded.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.3>
package struct Via: Equatable, Sendable {
  /// The number of proxies at which a request is a loop: no real chain has as many.
  private static let maximumCount = 8

  private let names: [ProxyName]

  package init(_ header: String?) {
    names = (header ?? "").split(separator: ",").compactMap { entry in
      let words = entry.split(separator: " ", omittingEmptySubsequences: true)
      return words.count > 1 ? ProxyName(words[1]) : nil
    }
  }

  /// Returns whether a request is a loop, which the proxy must not forward upstream.
  package func isLoop(at name: ProxyName) -> Bool { names.contains(name) || names.count >= Self.maximumCount }

  /// Returns the header's value behind a proxy.
  package func value(behind name: ProxyName) -> String { (names + [name]).map { "1.1 \($0)" }.joined(separator: ", ") }
}
