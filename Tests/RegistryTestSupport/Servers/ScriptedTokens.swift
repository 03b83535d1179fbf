import Foundation
import Synchronization

/// The token service of a ``ScriptedRegistry``: hands out tokens for scopes, and takes no others.
/// <https://distribution.github.io/distribution/spec/auth/token/>
package final class ScriptedTokens: Sendable {
  private struct State {
    var valid: Set<String> = []
    var asked: [String] = []
  }

  private let state = Mutex(State())
  /// Where the challenge says tokens are to be had; `nil` for this registry itself.
  private let realm: String?
  private let lifetime: Int

  package init(realm: String? = nil, expiresIn lifetime: Int = 300) {
    self.realm = realm
    self.lifetime = lifetime
  }

  /// The scopes that tokens were asked for, in their order.
  package var askedScopes: [String] { state.withLock(\.asked) }

  /// Takes none of the tokens of before any more.
  package func revokeAll() { state.withLock { $0.valid = [] } }

  /// The tokens that are good.
  package var validTokens: Set<String> { state.withLock(\.valid) }

  /// The answer of the service or of who asks for a token; `nil` lets the request pass.
  func answer(_ request: ScriptedRegistry.Request, port: Int) -> ScriptedAnswer? {
    if request.path == "/token" {
      let scope = URLComponents(string: request.target)?.queryItems?.first { $0.name == "scope" }?.value ?? ""
      let token = "secret-\(UUID().uuidString)"
      state.withLock {
        $0.asked.append(scope)
        $0.valid.insert(token)
      }
      return ScriptedAnswer(
        headers: ["Content-Type": "application/json"],
        body: .bytes(Array(#"{"token":"\#(token)","expires_in":\#(lifetime)}"#.utf8))
      )
    }
    let credential = request.headers["Authorization"] ?? ""
    if validTokens.contains(where: { credential == "Bearer \($0)" }) { return nil }
    let realm = realm ?? "http://127.0.0.1:\(port)/token"
    return ScriptedAnswer(
      status: 401,
      headers: ["WWW-Authenticate": #"Bearer realm="\#(realm)",service="scripted, really",scope="ignored""#],
      body: .bytes([])
    )
  }
}
