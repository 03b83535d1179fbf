/// The content of `Authorization` in a request to an endpoint.
enum Authorization: Sendable {
  case token(TokenCache.Token)
  /// The operator's account, for an endpoint that wants it with every request.
  case account(Credentials)

  /// The value of the header.
  var value: String {
    switch self {
    case .token(let token): "Bearer \(token.value)"
    case .account(let credentials): credentials.authorization
    }
  }

  /// Records that upstream accepted it.
  func noteAcceptance() { if case .token(let token) = self { token.noteAcceptance() } }
}

/// The way in which an endpoint wants to be asked, according to its challenge.
package enum AuthenticationScheme: Hashable, Sendable {
  case bearer(BearerService)
  /// <https://www.rfc-editor.org/rfc/rfc7617>
  case basic

  /// Returns the scheme to use; `nil` if there is none for this worker.
  /// - Parameter hasAccount: without an account, only a token service is of use.
  init?(_ challenges: [Challenge], hasAccount: Bool) {
    if let service = BearerService(challenges) {
      self = .bearer(service)
    } else if hasAccount, challenges.contains(where: { $0.scheme == "basic" }) {
      self = .basic
    } else {
      return nil
    }
  }
}
