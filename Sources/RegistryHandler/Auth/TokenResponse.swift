internal import FoundationEssentials

/// The answer of a token service.
/// <https://distribution.github.io/distribution/spec/auth/token/#token-response-fields>
package struct TokenResponse: Equatable, Sendable {
  /// What a service that says nothing is taken to mean, in seconds.
  package static let defaultLifetime: Int64 = 60

  /// What a longer lifetime is taken for: no service means more, and sums of times stay small. In seconds.
  package static let maximumLifetime: Int64 = 86_400

  /// Far more than any token seen; a larger answer is refused. In bytes.
  package static let maximumSize = 256 * 1024

  package let token: String
  /// In seconds from the moment it was asked for.
  package let lifetime: Int64

  /// Decodes the JSON body; `nil` without a token that could stand in a header.
  package init?(json: [UInt8]) {
    struct Fields: Decodable {
      var token: String?
      var access_token: String?
      var expires_in: Seconds?
    }
    guard let fields = try? JSONDecoder().decode(Fields.self, from: Data(json)),
      let token = [fields.token, fields.access_token].compactMap(\.self).first(where: { !$0.isEmpty }),
      token.utf8.allSatisfy(\.isVisible)
    else { return nil }
    self.token = token
    self.lifetime = min(max(0, fields.expires_in?.value ?? Self.defaultLifetime), Self.maximumLifetime)
  }
}

/// A number of seconds as services write it: an integer, a fraction, or either as a string; `nil` when it is neither.
private struct Seconds: Decodable {
  let value: Int64?

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let number = (try? container.decode(Double.self)) ?? (try? container.decode(String.self)).flatMap { Double($0) }
    // Far beyond any lifetime; a larger one would not fit.
    value = number.flatMap { $0.isFinite ? Int64(min(max($0, -1e15), 1e15)) : nil }
  }
}
