internal import FoundationEssentials

/// The response of a token service.
/// <https://distribution.github.io/distribution/spec/auth/token/#token-response-fields>
package struct TokenResponse: Equatable, Sendable {
  /// The lifetime if the service states none, in seconds.
  package static let defaultLifetime: Int64 = 60

  /// The upper bound of a lifetime in seconds: no service means more, and sums of times stay small.
  package static let maximumLifetime: Int64 = 86_400

  /// The maximum size of a response in bytes, far more than any known token needs.
  package static let maximumSize = 256 * 1024

  package let token: String
  /// The lifetime in seconds from the time of the request.
  package let lifetime: Int64

  /// Decodes the JSON body; `nil` without a token that is valid in a header.
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

/// A number of seconds as services write it: an integer, a fraction or either as a string; `nil` for anything else.
private struct Seconds: Decodable {
  let value: Int64?

  init(from decoder: any Decoder) throws {
    let container = try decoder.singleValueContainer()
    let number = (try? container.decode(Double.self)) ?? (try? container.decode(String.self)).flatMap { Double($0) }
    // Far beyond any lifetime; a larger number would overflow.
    value = number.flatMap { $0.isFinite ? Int64(min(max($0, -1e15), 1e15)) : nil }
  }
}
