/// The proxies of this kind that a request has come through, as its `Via` names them. What others wrote there goes no farther.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-7.6.3>
package struct Via: Equatable, Sendable {
  /// More than any chain of proxies has; a request that has come through more is going round.
  private static let maximumCount = 8

  private let names: [ProxyName]

  package init(_ header: String?) {
    names = (header ?? "").split(separator: ",").compactMap { entry in
      let words = entry.split(separator: " ", omittingEmptySubsequences: true)
      return words.count > 1 ? ProxyName(words[1]) : nil
    }
  }

  /// Whether a proxy must not ask upstream for a request that came this way.
  package func isLoop(at name: ProxyName) -> Bool { names.contains(name) || names.count >= Self.maximumCount }

  /// The header's value behind a proxy.
  package func value(behind name: ProxyName) -> String { (names + [name]).map { "1.1 \($0)" }.joined(separator: ", ") }
}
