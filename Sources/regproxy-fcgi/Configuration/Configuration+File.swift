internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import RegistryHandler
internal import Yams

extension Configuration {
  /// The file that is read unless another is named. It may be absent.
  static let defaultPath = "/etc/regproxy/regproxy.yaml"

  /// Reads the file and the environment.
  /// - Parameters:
  ///   - path: the file; if `nil`, the file named by `REGPROXY_CONFIG`, else the default path, which may be absent.
  ///   - environment: the variables of the process.
  static func load(
    path: String?,
    environment: [String: String] = ProcessInfo.processInfo.environment
  ) throws(ConfigurationError) -> Configuration {
    let named = path ?? environment["REGPROXY_CONFIG"].flatMap { $0.isEmpty ? nil : $0 }
    let file = named ?? defaultPath
    let yaml: String
    do {
      let data = try Data(contentsOf: URL(filePath: file))
      guard let text = String(validating: data, as: UTF8.self) else {
        throw ConfigurationError(file: file, line: nil, message: "the file is not UTF-8 text")
      }
      yaml = text
    } catch let error as ConfigurationError {
      throw error
    } catch {
      guard named == nil, access(file, F_OK) != 0 else {
        throw ConfigurationError(
          file: file,
          line: nil,
          message: "the file cannot be read: \(String(cString: strerror(errno)))"
        )
      }
      yaml = ""
    }
    return try Configuration(yaml: yaml, file: file, environment: environment)
  }

  /// Parses a configuration.
  /// - Parameter file: the name of the text in errors.
  init(yaml: String, file: String, environment: [String: String] = [:]) throws(ConfigurationError) {
    let document: Node
    do {
      document = try Yams.compose(yaml: yaml) ?? Node([:])
    } catch let error as YamlError {
      throw ConfigurationError(yaml: error, file: file)
    } catch {
      throw ConfigurationError(file: file, line: nil, message: "not valid YAML: \(error)")
    }
    self.init()
    let overrides = ConfigurationOverrides(Self.variables, environment: environment)
    try apply(ConfigurationNode(file: file, path: "", node: document), overrides, environment)
    try checkConsistency(file: file)
  }

  /// The paths of the scalars that an environment variable can set.
  private static let variables = [
    "listen", "socket_mode", "threads.min", "threads.max", "requests.max", "requests.max_share", "domain", "delivery",
    "drain_timeout", "log.level", "log.format", "log.file", "store.directory", "store.max_size", "store.min_free",
    "defaults.tag_ttl", "defaults.stale_if_error", "defaults.external_redirects",
  ]

  private mutating func apply(
    _ root: ConfigurationNode,
    _ overrides: ConfigurationOverrides,
    _ environment: [String: String]
  ) throws(ConfigurationError) {
    let keys = overrides.applied(
      to: try root.children(known: [
        "listen", "socket_mode", "threads", "requests", "domain", "delivery", "drain_timeout", "log", "store",
        "defaults", "upstreams", "built_in_upstreams",
      ])
    )
    func section(_ name: String, known: Set<String>) throws(ConfigurationError) -> [String: ConfigurationNode] {
      overrides.applied(to: try keys[name]?.children(known: known) ?? [:], in: name)
    }
    try applySocket(keys)
    try applyThreads(try section("threads", known: ["min", "max"]))
    let bounds = try section("requests", known: ["max", "max_share"])
    if let node = bounds["max"] { requests.max = try node.int(1...1_000_000) }
    if let node = bounds["max_share"] { requests.maxShare = try node.int(1...100) }
    if let node = keys["domain"] {
      domain = try node.value("a host name such as example.com") { text in
        UpstreamName(text).flatMap { $0.description.contains(":") ? nil : $0.description }
      }
    }
    if let node = keys["delivery"] { delivery = try node.oneOf(Delivery.self) }
    if let node = keys["drain_timeout"] { drainTimeout = try node.duration() }
    try applyLog(try section("log", known: ["level", "format", "file"]))
    try applyStore(try section("store", known: ["directory", "max_size", "min_free", "pins"]))
    let proxies = try Self.proxies(in: environment, file: root.file)
    for index in upstreams.indices { upstreams[index].proxies = proxies }
    let defaults = try section("defaults", known: Self.defaultKeys)
    for index in upstreams.indices { try applyDefaults(defaults, to: &upstreams[index]) }
    if let node = keys["upstreams"] { try applyUpstreams(node, defaults: defaults, proxies, environment) }
    if let node = keys["built_in_upstreams"] {
      try limitBuiltIn(node, changed: Set(try keys["upstreams"]?.children().keys.map { $0 } ?? []))
    }
  }

  /// Returns the proxies of the usual variables, which lower-case names override.
  private static func proxies(
    in environment: [String: String],
    file: String
  ) throws(ConfigurationError) -> ProxyRules {
    func value(_ name: String) -> String? {
      [name.lowercased(), name].lazy.compactMap { environment[$0] }.first { !$0.isEmpty }
    }
    func proxy(_ name: String) throws(ConfigurationError) -> ForwardProxy? {
      guard let text = value(name) else { return nil }
      guard let proxy = ForwardProxy(text) else {
        let message = "the environment variable \(name) is not a URL such as http://proxy.example.com:3128"
        throw ConfigurationError(file: file, line: nil, message: message)
      }
      return proxy
    }
    return ProxyRules(
      https: try proxy("HTTPS_PROXY"),
      http: try proxy("HTTP_PROXY"),
      exceptions: value("NO_PROXY") ?? ""
    )
  }

  private mutating func applySocket(_ keys: [String: ConfigurationNode]) throws(ConfigurationError) {
    if let node = keys["listen"] {
      listen = try node.value("an absolute path or 127.0.0.1:PORT", ListeningSocket.Address.init(configuration:))
    }
    if let node = keys["socket_mode"] {
      socketMode = try node.value("an octal mode such as \"0660\"") { text in
        mode_t(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
      }
    }
  }

  private mutating func applyThreads(_ keys: [String: ConfigurationNode]) throws(ConfigurationError) {
    if let node = keys["min"] { threads.min = try node.int(1...100_000) }
    if let node = keys["max"] { threads.max = try node.int(1...100_000) }
  }

  private mutating func applyStore(_ keys: [String: ConfigurationNode]) throws(ConfigurationError) {
    if let node = keys["directory"] {
      storeDirectory = try node.value("an absolute path without spaces, quotes or ';'", Self.absolutePath)
    }
    if let node = keys["max_size"] { storeLimits.maxSize = try node.size() }
    if let node = keys["min_free"] { storeLimits.minFree = try node.size() }
    if let node = keys["pins"] {
      storeLimits.pins = try node.values("globs such as docker.io/library/*") { text in
        text.contains("/") ? GlobPattern(text) : nil
      }
    }
  }

  private mutating func applyLog(_ keys: [String: ConfigurationNode]) throws(ConfigurationError) {
    if let node = keys["level"] { log.level = try node.oneOf(Logger.Level.self) }
    if let node = keys["format"] { log.format = try node.oneOf(LogFormat.self) }
    if let node = keys["file"] { log.file = try node.value("an absolute path", Self.absolutePath) }
  }

  /// Returns an absolute path without a final slash; `nil` if nginx's configuration could not contain it unquoted.
  static func absolutePath(_ text: String) -> String? {
    guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0.isVisible && !"\"'\\;{}$#".utf8.contains($0) }) else {
      return nil
    }
    return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
  }
}

extension ConfigurationError {
  /// Describes a text that is not YAML.
  fileprivate init(yaml error: YamlError, file: String) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      self.init(file: file, line: mark.line, message: "not valid YAML: \(problem)")
    default: self.init(file: file, line: nil, message: "not valid YAML: \(error)")
    }
  }
}

extension ListeningSocket.Address {
  /// Parses `/path` or `host:port`.
  init?(configuration text: String) {
    if let path = Configuration.absolutePath(text) {
      self = .unix(path: path)
      return
    }
    guard let colon = text.lastIndex(of: ":"), colon != text.startIndex,
      let port = UInt16(text[text.index(after: colon)...]), port > 0,
      // nginx's configuration contains the host unquoted.
      text[..<colon].utf8.allSatisfy({ $0.isLetter || $0.isDigit || "-.:[]".utf8.contains($0) })
    else { return nil }
    self = .tcp(host: String(text[..<colon]), port: port)
  }
}
