/// The operator's account at an upstream.
package final class ServiceAccount: Sendable {
  /// The name of the account in caches, logs and errors; it contains no secret.
  package let name: String
  private let source: @Sendable () async throws(CredentialFailure) -> Credentials

  /// - Parameters:
  ///   - name: of the account.
  ///   - source: returns the credentials, from a cache where asking for them is slow.
  package init(name: String, source: @escaping @Sendable () async throws(CredentialFailure) -> Credentials) {
    self.name = name
    self.source = source
  }

  /// Creates an account whose credentials do not change.
  package convenience init(_ credentials: Credentials) {
    self.init(name: "'\(credentials.username)'") { () throws(CredentialFailure) in credentials }
  }

  /// Returns the credentials; may wait for a helper.
  package func credentials() async throws(CredentialFailure) -> Credentials { try await source() }
}

/// The reason why there are no credentials: a sentence without a secret.
package struct CredentialFailure: Error, Equatable, Sendable {
  package let reason: String

  package init(reason: String) { self.reason = reason }
}
