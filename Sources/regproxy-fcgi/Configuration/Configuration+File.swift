internal import FoundationEssentials
internal import Glibc
internal import Logging
internal import RegistryHandler
internal import Yams

extension Configuration {
  /// Where the configuration is looked for when nothing names one. It may be absent.
  static let defaultPath = "/etc/regproxy/regproxy.yaml"

  /// Reads the file and the environment.
  /// - Parameters:
  ///   - path: the file; without one `REGPROXY_CONFIG` names it, then it is the default path, which may be absent.
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
  /// - Parameter file: how errors name the text.
  init(yaml: String, file: String, environment: [String: String] = [:]) throws(ConfigurationError) {
    let document: Node
    do {
      document = try Yams.compose(yaml: yaml) ?? Node([:])
    } catch let error as YamlError {
      throw ConfigurationError(yaml: error, file: file)
    } catch {
      throw ConfigurationError(file: file, line: nil, message: "this is no valid YAML: \(error)")
    }
    self.init()
    let overrides = ConfigurationOverrides(Self.variables, environment: environment)
    try apply(ConfigurationNode(file: file, path: "", node: document), overrides)
    try check(file: file)
  }

  /// The scalars that a variable can set, and their place in the file.
  private static let variables = [
    "listen", "socket_mode", "threads.min", "threads.max", "domain", "delivery", "drain_timeout",
    "log.level", "log.format", "log.file", "store.directory", "store.max_size", "store.min_free", "defaults.tag_ttl",
    "defaults.stale_if_error", "defaults.external_redirects",
  ]

  private mutating func apply(
    _ root: ConfigurationNode,
    _ overrides: ConfigurationOverrides
  ) throws(ConfigurationError) {
    let keys = overrides.applied(
      to: try root.children(known: [
        "listen", "socket_mode", "threads", "domain", "delivery", "drain_timeout", "log", "store", "defaults",
        "upstreams",
      ])
    )
    func section(_ name: String, known: Set<String>) throws(ConfigurationError) -> [String: ConfigurationNode] {
      overrides.applied(to: try keys[name]?.children(known: known) ?? [:], in: name)
    }
    if let node = keys["listen"] {
      listen = try node.value("an absolute path or 127.0.0.1:PORT", ListeningSocket.Address.init(configuration:))
    }
    if let node = keys["socket_mode"] {
      socketMode = try node.value("an octal mode such as \"0660\"") { text in
        mode_t(text, radix: 8).flatMap { $0 <= 0o777 ? $0 : nil }
      }
    }
    try applyThreads(try section("threads", known: ["min", "max"]))
    if let node = keys["domain"] {
      domain = try node.value("a host name such as example.com") { text in
        UpstreamName(text).flatMap { $0.description.contains(":") ? nil : $0.description }
      }
    }
    if let node = keys["delivery"] { delivery = try node.oneOf(Delivery.self) }
    if let node = keys["drain_timeout"] { drainTimeout = try node.duration() }
    try applyLog(try section("log", known: ["level", "format", "file"]))
    try applyStore(try section("store", known: ["directory", "max_size", "min_free", "pins"]))
    let defaults = try section("defaults", known: Self.defaultKeys)
    for index in upstreams.indices { try applyDefaults(defaults, to: &upstreams[index]) }
    if let node = keys["upstreams"] { try applyUpstreams(node, defaults: defaults) }
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

  private func check(file: String) throws(ConfigurationError) {
    guard threads.min <= threads.max else {
      throw ConfigurationError(
        file: file,
        line: nil,
        message: "'threads.min' is \(threads.min) and 'threads.max' \(threads.max): the first must not be larger"
      )
    }
    let defaults = upstreams.filter(\.isDefault)
    guard defaults.count <= 1 else {
      let names = defaults.map(\.name.description).joined(separator: " and ")
      throw ConfigurationError(file: file, line: nil, message: "only one upstream can be the default, but \(names) are")
    }
    try checkUnique(file: file, "the name") { $0.aliases.union([$0.name.description]) }
    try checkUnique(file: file, "the host") { upstream in
      upstream.hosts.union(domain.map { domain in upstream.hostLabels.map { "\($0).\(domain)" } } ?? [])
    }
  }

  private func checkUnique(
    file: String,
    _ what: String,
    _ names: (Upstream) -> Set<String>
  ) throws(ConfigurationError) {
    var owners: [String: UpstreamName] = [:]
    for upstream in upstreams {
      for name in names(upstream) {
        guard let other = owners.updateValue(upstream.name, forKey: name) else { continue }
        throw ConfigurationError(
          file: file,
          line: nil,
          message: "\(what) '\(name)' is claimed by both \(other) and \(upstream.name): give it to one"
        )
      }
    }
  }

  /// A path that can stand in nginx's configuration as it is.
  static func absolutePath(_ text: String) -> String? {
    guard text.hasPrefix("/"), text.utf8.allSatisfy({ $0.isVisible && !"\"'\\;{}$#".utf8.contains($0) }) else {
      return nil
    }
    return text.count > 1 && text.hasSuffix("/") ? String(text.dropLast()) : text
  }
}

extension ConfigurationError {
  /// A text that is no YAML at all.
  fileprivate init(yaml error: YamlError, file: String) {
    switch error {
    case .scanner(_, let problem, let mark, _), .parser(_, let problem, let mark, _),
      .composer(_, let problem, let mark, _):
      self.init(file: file, line: mark.line, message: "this is no valid YAML: \(problem)")
    default: self.init(file: file, line: nil, message: "this is no valid YAML: \(error)")
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
      // It stands in nginx's configuration as it is.
      text[..<colon].utf8.allSatisfy({ $0.isLetter || $0.isDigit || "-.:[]".utf8.contains($0) })
    else { return nil }
    self = .tcp(host: String(text[..<colon]), port: port)
  }
}
