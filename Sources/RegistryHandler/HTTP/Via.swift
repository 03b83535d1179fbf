/// The name of a proxy in `Via`, by which it knows requests that have come through it before.
package struct ProxyName: Hashable, Sendable, CustomStringConvertible {
  private static let prefix = "regproxy-"

  private let number: UInt64

  /// A name of the process alone.
  package init() { number = .random(in: 0...(.max)) }

  /// The same name wherever the identity is the same.
  package init(of identity: String) {
    // FNV-1a, as `Hasher` has another seed in each process. <http://www.isthe.com/chongo/tech/comp/fnv/>
    number = identity.utf8.reduce(0xCBF2_9CE4_8422_2325) { ($0 ^ UInt64($1)) &* 0x100_0000_01B3 }
  }

  fileprivate init?(_ text: some StringProtocol) {
    let digits = text.dropFirst(Self.prefix.count)
    guard text.hasPrefix(Self.prefix), digits.utf8.count == 16, digits.utf8.allSatisfy({ $0.hexDigitValue != nil }),
      let number = UInt64(digits, radix: 16)
    else { return nil }
    self.number = number
  }

  package var description: String {
    let digits = String(number, radix: 16)
    return Self.prefix + String(repeating: "0", count: 16 - digits.count) + digits
  }
}

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
