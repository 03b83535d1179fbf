import Crypto
import Foundation
import Synchronization

/// A token service for a real docker-registry: its tokens are signed, and say what an account may do.
/// <https://distribution.github.io/distribution/spec/auth/jwt/>
package final class TokenServer: Sendable {
  /// The name and the password of an account, and the repositories that it may pull from.
  package struct Account: Sendable {
    package let username: String
    package let password: String
    let repositories: [String]
    let mayPush: Bool

    package init(_ username: String, _ password: String, repositories: [String], mayPush: Bool = false) {
      self.username = username
      self.password = password
      self.repositories = repositories
      self.mayPush = mayPush
    }

    package var authorization: String { "Basic \(Data("\(username):\(password)".utf8).base64EncodedString())" }
  }

  static let service = "registry.test"
  static let issuer = "tokens.test"

  private let server: ScriptedRegistry
  private let key: P256.Signing.PrivateKey
  private let certificate: String
  private let accounts: [Account]
  private let publicRepositories: [String]
  private let lifetime: Int
  private let issued = Mutex<[String]>([])

  /// The path of the certificate that the registry trusts.
  package let certificatePath: String

  package var realm: String { "\(server.url)/token" }

  /// The number of requests for a token.
  package var requestCount: Int { server.count("GET", "/token") }

  /// All tokens that were issued.
  package var issuedTokens: [String] { issued.withLock { $0 } }

  private init(
    in directory: TemporaryDirectory,
    accounts: [Account],
    publicRepositories: [String],
    lifetime: Int
  ) throws {
    server = try ScriptedRegistry()
    certificatePath = directory.path("tokens.pem")
    key = try P256.Signing.PrivateKey(
      pemRepresentation: String(contentsOfFile: directory.path("tokens.key"), encoding: .utf8)
    )
    certificate = try String(contentsOfFile: certificatePath, encoding: .utf8).split(separator: "\n")
      .filter { !$0.hasPrefix("-----") }.joined()
    self.accounts = accounts
    self.publicRepositories = publicRepositories
    self.lifetime = lifetime
  }

  package static func start(
    in directory: TemporaryDirectory,
    accounts: [Account],
    publicRepositories: [String] = [],
    expiresIn lifetime: Int = 300
  ) async throws -> TokenServer {
    try await ManagedProcess.run(
      ProcessLaunch(
        "openssl",
        [
          "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes", "-days", "2", "-subj",
          "/CN=tokens", "-keyout", directory.path("tokens.key"), "-out", directory.path("tokens.pem"),
        ]
      ),
      in: directory
    )
    let tokens = try TokenServer(
      in: directory,
      accounts: accounts,
      publicRepositories: publicRepositories,
      lifetime: lifetime
    )
    tokens.server.answer("/token") { [unowned tokens] request in tokens.answer(request) }
    return tokens
  }

  private func answer(_ request: ScriptedRegistry.Request) -> ScriptedResponse {
    let authorization = request.headers["Authorization"]
    let account = accounts.first { $0.authorization == authorization }
    guard authorization == nil || account != nil else { return ScriptedResponse(status: 401, body: .bytes([])) }
    let items = URLComponents(string: request.target)?.queryItems ?? []
    let scopes = items.filter { $0.name == "scope" }.flatMap { ($0.value ?? "").split(separator: " ") }
    let access = scopes.compactMap { granted($0.split(separator: ":").map(String.init), to: account) }
    do {
      let token = try sign(access)
      issued.withLock { $0.append(token) }
      return ScriptedResponse(
        headers: ["Content-Type": "application/json"],
        body: .bytes(Array(#"{"token":"\#(token)","expires_in":\#(lifetime)}"#.utf8))
      )
    } catch {
      return ScriptedResponse(status: 500, body: .bytes(Array("\(error)".utf8)))
    }
  }

  private struct Access: Encodable {
    let type = "repository"
    let name: String
    let actions: [String]
  }

  private func granted(_ scope: [String], to account: Account?) -> Access? {
    guard scope.count == 3, scope[0] == "repository" else { return nil }
    let mayPull = publicRepositories.contains(scope[1]) || account?.repositories.contains(scope[1]) == true
    let actions = scope[2].split(separator: ",").map(String.init)
      .filter { $0 == "pull" ? mayPull : account?.mayPush == true }
    return Access(name: scope[1], actions: actions)
  }

  private struct Claims: Encodable {
    let iss = TokenServer.issuer
    let sub = ""
    let aud = TokenServer.service
    let exp: Int
    let nbf: Int
    let iat: Int
    let jti: String
    let access: [Access]
  }

  private struct Header: Encodable {
    let typ = "JWT"
    let alg = "ES256"
    let x5c: [String]
  }

  private func sign(_ access: [Access]) throws -> String {
    let now = Int(Date().timeIntervalSince1970)
    let claims = Claims(exp: now + lifetime, nbf: now - 5, iat: now, jti: UUID().uuidString, access: access)
    let encoder = JSONEncoder()
    encoder.outputFormatting = .withoutEscapingSlashes
    let content =
      Self.encoded(try encoder.encode(Header(x5c: [certificate]))) + "." + Self.encoded(try encoder.encode(claims))
    return content + "." + Self.encoded(try key.signature(for: Data(content.utf8)).rawRepresentation)
  }

  private static func encoded(_ data: Data) -> String {
    data.base64EncodedString().replacingOccurrences(of: "+", with: "-").replacingOccurrences(of: "/", with: "_")
      .replacingOccurrences(of: "=", with: "")
  }
}
