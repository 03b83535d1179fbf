/// The operator's account at an upstream.
package final class ServiceAccount: Sendable {
  /// The name of the account in caches, logs and errors; it contains no secret.
  package let name: String
  private let source: @Sendable () async throws(CredentialFailure) -> Credentials
  private let discard: @Sendable () -> Void

  /// - Parameters:
  ///   - name: of the account.
  ///   - discard: drops credentials that the source has cached.
  ///   - source: returns the credentials, from a cache where asking for them is slow.
  package init(
    name: String,
    discard: @escaping @Sendable () -> Void = {},
    source: @escaping @Sendable () async throws(CredentialFailure) -> Credentials
  ) {
    self.name = name
    self.discard = discard
    self.source = source
  }

  /// Creates an account whose credentials do not change.
  package convenience init(_ credentials: Credentials) {
    self.init(name: "'\(credentials.username)'") { () throws(CredentialFailure) in credentials }
  }

  /// Returns the credentials; may wait for a helper.
  package func credentials() async throws(CredentialFailure) -> Credentials { try await source() }

  /// Drops cached credentials that upstream has refused: the source may have newer ones.
  func noteRefusal() { discard() }
}

/// The reason why there are no credentials: a sentence without a secret.
package struct CredentialFailure: Error, Equatable, Sendable {
  package let reason: String

  package init(reason: String) { self.reason = reason }
}
