/// The digest of some content: an algorithm and the lower-case hexadecimal hash.
///
/// Only the two registered algorithms are accepted, each with exactly its number of digits, so a digest can be a path
/// component without further checks.
/// <https://github.com/opencontainers/image-spec/blob/v1.1.0/descriptor.md#digests>
package struct Digest: Hashable, Sendable {
  package enum Algorithm: String, CaseIterable, Sendable {
    case sha256
    case sha512

    /// The number of hexadecimal digits of a hash.
    package var hexLength: Int {
      switch self {
      case .sha256: 64
      case .sha512: 128
      }
    }
  }

  package let algorithm: Algorithm
  package let hex: String

  /// Parses `sha256:<64 digits>` or `sha512:<128 digits>`; `nil` for anything else.
  package init?(_ text: some StringProtocol) {
    guard let colon = text.utf8.firstIndex(of: UInt8(ascii: ":")),
      let algorithm = Algorithm(rawValue: String(text[..<colon]))
    else { return nil }
    self.init(algorithm: algorithm, hex: text[text.utf8.index(after: colon)...])
  }

  /// Creates a digest; `nil` if the hash is not lower-case hexadecimal of the algorithm's length.
  package init?(algorithm: Algorithm, hex: some StringProtocol) {
    guard hex.utf8.count == algorithm.hexLength, hex.utf8.allSatisfy(\.isLowercaseHexDigit) else { return nil }
    self.algorithm = algorithm
    self.hex = String(hex)
  }
}

extension Digest: CustomStringConvertible {
  package var description: String { "\(algorithm.rawValue):\(hex)" }
}
