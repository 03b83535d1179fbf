internal import RegistryHandler

extension Configuration {
  /// The keys that are allowed in `defaults` and for a single upstream.
  static let defaultKeys: Set<String> = [
    "tag_ttl", "stale_if_error", "external_redirects", "relay_clients", "storage_hosts", "allow_private", "clients",
    "proxy",
  ]

  private static let upstreamKeys = defaultKeys.union([
    "endpoints", "aliases", "hosts", "library", "default", "auth", "realms", "allow", "deny", "internal_hosts",
    "ca_file",
  ])

  /// Changes the built-in upstreams and adds new ones.
  /// - Parameters:
  ///   - defaults: the keys of `defaults`, which apply to new upstreams as well.
  ///   - proxies: of new upstreams.
  ///   - environment: the variables of the process, which may hold passwords.
  mutating func applyUpstreams(
    _ node: ConfigurationNode,
    defaults: [String: ConfigurationNode],
    _ proxies: ProxyRules,
    _ environment: [String: String]
  ) throws(ConfigurationError) {
    var hasOwnDefault = false
    for (name, node) in try node.children().sorted(by: { $0.key < $1.key }) {
      guard let upstreamName = UpstreamName(name) else {
        throw node.error(
          "'\(name)' is not a valid upstream name: use the host of its images, such as registry.example.com"
        )
      }
      let keys = try node.children(known: Self.upstreamKeys)
      let index: Int
      if let known = upstreams.firstIndex(where: { $0.name == upstreamName }) {
        index = known
      } else {
        var upstream = Upstream(name: upstreamName, endpoints: try Self.defaultEndpoints(upstreamName, node))
        upstream.proxies = proxies
        try applyDefaults(defaults, to: &upstream)
        upstreams.append(upstream)
        index = upstreams.count - 1
      }
      try apply(keys, to: &upstreams[index])
      if let node = keys["auth"] {
        upstreams[index].account = try Self.account(node, of: upstreams[index], environment: environment)
      }
      if let isDefault = try keys["default"]?.bool() {
        upstreams[index].isDefault = isDefault
        hasOwnDefault = hasOwnDefault || isDefault
      }
    }
    if hasOwnDefault { try removeBuiltInDefault(node) }
  }

  /// Removes the built-in default, which one chosen by the operator replaces.
  private mutating func removeBuiltInDefault(_ node: ConfigurationNode) throws(ConfigurationError) {
    let chosen = try node.children()
    for index in upstreams.indices where chosen[upstreams[index].name.description] == nil {
      upstreams[index].isDefault = false
    }
    for (name, node) in chosen {
      guard try node.children(known: Self.upstreamKeys)["default"] == nil else { continue }
      for index in upstreams.indices where upstreams[index].name.description == name {
        upstreams[index].isDefault = false
      }
    }
  }

  /// Removes the built-in upstreams that the operator does not want.
  /// - Parameters:
  ///   - node: false, or a list of those that stay.
  ///   - changed: the names in `upstreams`, which stay too.
  mutating func limitBuiltIn(_ node: ConfigurationNode, changed: Set<String>) throws(ConfigurationError) {
    let builtIn = Set(Upstream.builtIn.map(\.name.description))
    var staying: Set<String> = []
    if node.isList {
      for name in try node.strings() {
        guard builtIn.contains(name) else {
          let known = builtIn.sorted().joined(separator: ", ")
          throw node.error("'\(node.path)' has '\(name)', which is not built in: use some of \(known)")
        }
        staying.insert(name)
      }
    } else if try node.bool() {
      return
    }
    upstreams.removeAll { upstream in
      let name = upstream.name.description
      return builtIn.contains(name) && !staying.contains(name) && !changed.contains(name)
    }
  }

  private static func defaultEndpoints(
    _ name: UpstreamName,
    _ node: ConfigurationNode
  ) throws(ConfigurationError) -> [HTTPURL] {
    guard let url = HTTPURL("https://\(name)/") else { throw node.error("'\(name)' needs 'endpoints:'") }
    return [url]
  }

  private func apply(_ keys: [String: ConfigurationNode], to upstream: inout Upstream) throws(ConfigurationError) {
    if let node = keys["endpoints"] {
      upstream.endpoints = try node.values("base URLs such as https://registry.example.com", Self.endpoint)
      guard !upstream.endpoints.isEmpty else { throw node.error("'\(node.path)' must name at least one URL") }
    }
    if let node = keys["aliases"] {
      upstream.aliases = Set(try node.values("names such as registry.example.com") { UpstreamName($0)?.description })
    }
    if let node = keys["hosts"] {
      upstream.hosts = Set(try node.values("host names without port") { Self.hostName($0) })
    }
    if let node = keys["library"] { upstream.hasLibrary = try node.bool() }
    if let node = keys["realms"] { upstream.realms = try Self.hostPatterns(node) }
    if let node = keys["allow"] { upstream.allow = try node.strings().map(GlobPattern.init) }
    if let node = keys["deny"] { upstream.deny = try node.strings().map(GlobPattern.init) }
    if let node = keys["internal_hosts"] { upstream.redirects.internalHosts += try Self.hostPatterns(node) }
    if let node = keys["ca_file"] { upstream.caFile = try node.value("an absolute path", Self.absolutePath) }
    try applyDefaults(keys, to: &upstream)
  }

  /// Applies the keys that are allowed in `defaults`. Hosts are added to the known ones; other values replace the
  /// previous ones.
  func applyDefaults(_ keys: [String: ConfigurationNode], to upstream: inout Upstream) throws(ConfigurationError) {
    if let node = keys["tag_ttl"] { upstream.tagTTL = try node.duration() }
    if let node = keys["stale_if_error"] { upstream.staleIfError = try node.duration() }
    if let node = keys["storage_hosts"] { upstream.redirects.storageHosts += try Self.hostPatterns(node) }
    if let node = keys["external_redirects"] { upstream.redirects.mode = try node.oneOf(RedirectMode.self) }
    if let node = keys["relay_clients"] { upstream.redirects.relayClients = try Self.networks(node) }
    if let node = keys["proxy"] {
      let text = try node.string()
      guard let proxies = text == "direct" ? .direct : ForwardProxy(text).map({ ProxyRules($0) }) else {
        // The text may have a password.
        throw node.error("'\(node.path)' must be a URL such as http://proxy.example.com:3128, or direct")
      }
      upstream.proxies = proxies
    }
    if let node = keys["clients"] { upstream.clients = try Self.networks(node) }
    if let node = keys["allow_private"] { upstream.allowPrivate = try Self.networks(node) }
  }

  private static func hostPatterns(_ node: ConfigurationNode) throws(ConfigurationError) -> [HostPattern] {
    try node.values("hosts, with a port if needed, such as storage.example.com or 127.0.0.1:9000", HostPattern.init)
  }

  private static func networks(_ node: ConfigurationNode) throws(ConfigurationError) -> [IPNetwork] {
    try node.values("networks such as 10.0.0.0/8 or fd00::/8, or single addresses", IPNetwork.init)
  }

  private static func endpoint(_ text: String) -> HTTPURL? {
    HTTPURL(text).flatMap { $0.target.contains("?") ? nil : $0 }
  }

  private static func hostName(_ text: String) -> String? {
    UpstreamName(text.lowercased()).flatMap { $0.description.contains(":") ? nil : $0.description }
  }
}
