import Foundation
import Synchronization

/// The token service of a ``ScriptedRegistry``: issues tokens for scopes, and accepts no others.
/// <https://distribution.github.io/distribution/spec/auth/token/>
package final class ScriptedTokens: Sendable {
  private struct State {
    var valid: Set<String> = []
    var asked: [String] = []
  }

  private let state = Mutex(State())
  /// The realm in challenges; nil for the registry itself.
  private let realm: String?
  private let lifetime: Int

  package init(realm: String? = nil, expiresIn lifetime: Int = 300) {
    self.realm = realm
    self.lifetime = lifetime
  }

  /// The scopes of requested tokens, in order.
  package var askedScopes: [String] { state.withLock(\.asked) }

  /// Revokes every token issued so far.
  package func revokeAll() { state.withLock { $0.valid = [] } }

  /// The tokens that are valid.
  package var validTokens: Set<String> { state.withLock(\.valid) }

  /// Returns a new token, or a challenge to a request without a valid one; nil lets the request pass.
  func answer(_ request: ScriptedRegistry.Request, port: Int) -> ScriptedResponse? {
    if request.path == "/token" {
      let scope = URLComponents(string: request.target)?.queryItems?.first { $0.name == "scope" }?.value ?? ""
      let token = "secret-\(UUID().uuidString)"
      state.withLock {
        $0.asked.append(scope)
        $0.valid.insert(token)
      }
      return ScriptedResponse(
        headers: ["Content-Type": "application/json"],
        body: .bytes(Array(#"{"token":"\#(token)","expires_in":\#(lifetime)}"#.utf8))
      )
    }
    let credential = request.headers["Authorization"] ?? ""
    if validTokens.contains(where: { credential == "Bearer \($0)" }) { return nil }
    let realm = realm ?? "http://127.0.0.1:\(port)/token"
    return ScriptedResponse(
      status: 401,
      headers: ["WWW-Authenticate": #"Bearer realm="\#(realm)",service="scripted, really",scope="ignored""#],
      body: .bytes([])
    )
  }
}
