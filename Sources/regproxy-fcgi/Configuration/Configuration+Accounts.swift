internal import RegistryHandler

extension Configuration {
  private static let accountKeys: Set<String> = ["username", "password_file", "password_env", "credential_helper"]

  /// Reads `auth:` of an upstream.
  /// - Parameter environment: the variables of the process.
  /// - Returns: the operator's account; `nil` for anonymous access.
  static func account(
    _ node: ConfigurationNode,
    of upstream: Upstream,
    environment: [String: String]
  ) throws(ConfigurationError) -> ServiceAccount? {
    let keys = try node.children(known: accountKeys.union(["mode"]))
    guard let mode = keys["mode"] else { throw node.error("'\(node.path)' needs 'mode:'") }
    switch try mode.oneOf(AuthMode.self) {
    case .anonymous:
      if let (name, key) = keys.sorted(by: { $0.key < $1.key }).first(where: { accountKeys.contains($0.key) }) {
        throw key.error("'\(node.path)' has '\(name)', which needs 'mode: service'")
      }
      return nil
    case .service: return try serviceAccount(keys, node, of: upstream, environment: environment)
    }
  }

  private static func serviceAccount(
    _ keys: [String: ConfigurationNode],
    _ node: ConfigurationNode,
    of upstream: Upstream,
    environment: [String: String]
  ) throws(ConfigurationError) -> ServiceAccount {
    let sources = ["password_file", "password_env", "credential_helper"].filter { keys[$0] != nil }
    guard sources.count == 1, let source = sources.first, let sourceNode = keys[source] else {
      throw node.error(
        "'\(node.path)' needs 'username' with 'password_file' or 'password_env', or 'credential_helper'"
      )
    }
    if source == "credential_helper" {
      if let username = keys["username"] {
        throw username.error("'\(node.path)' has 'username' beside 'credential_helper', which names the user itself")
      }
      return try helperAccount(sourceNode, of: upstream)
    }
    guard let username = keys["username"] else { throw node.error("'\(node.path)' needs 'username'") }
    let password = try password(sourceNode, isFile: source == "password_file", environment)
    guard let credentials = Credentials(username: try username.string(), password: password) else {
      throw username.error("'\(node.path)' has control characters, or a user name with ':'")
    }
    return ServiceAccount(credentials)
  }

  private static func password(
    _ node: ConfigurationNode,
    isFile: Bool,
    _ environment: [String: String]
  ) throws(ConfigurationError) -> String {
    let name = try node.string()
    guard isFile else {
      guard let password = environment[name], !password.isEmpty else {
        throw node.error("'\(node.path)' names the environment variable '\(name)', which is not set")
      }
      return password
    }
    do throws(SecretFile.Refusal) {
      return try SecretFile.password(at: try SecretFile.path(of: name, environment: environment))
    } catch {
      throw node.error("'\(node.path)': \(error)")
    }
  }

  private static func helperAccount(
    _ node: ConfigurationNode,
    of upstream: Upstream
  ) throws(ConfigurationError) -> ServiceAccount {
    let name = try node.value("the name of a helper, such as ecr-login for docker-credential-ecr-login") { text in
      text.utf8.allSatisfy { $0.isLetter || $0.isDigit || "-_.".utf8.contains($0) } ? text : nil
    }
    // Docker Hub's accounts are kept under the address of its first registry.
    let server = upstream.name.description == "docker.io" ? "https://index.docker.io/v1/" : upstream.name.description
    return CredentialHelper(name: name, server: server).account
  }
}
