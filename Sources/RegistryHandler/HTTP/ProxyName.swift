/// The name of a proxy in `Via`, which identifies requests that have passed through it before.
package struct ProxyName: Hashable, Sendable, CustomStringConvertible {
  private static let prefix = "regproxy-"

  private let number: UInt64

  /// Creates a name unique to the process.
  package init() { number = .random(in: 0...(.max)) }

  /// Creates a name that is equal wherever the identity is equal.
  package init(of identity: String) { number = identity.fnv1a }

  /// Parses a name; `nil` if it is not one of this kind of proxy.
  init?(_ text: some StringProtocol) {
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
