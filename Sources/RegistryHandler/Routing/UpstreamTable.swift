/// The configured upstreams, and the rule that finds the one a request is for.
package struct UpstreamTable: Sendable {
  /// What brought a request to its upstream: the first rule that applies.
  package enum Rule: String, Sendable {
    case pathPrefix
    case namespace
    case host
    case defaultUpstream
  }

  /// A request's upstream, and the rest of what it asks for.
  package struct Match: Sendable {
    package let upstream: Upstream
    package let rule: Rule
    package let route: Route
    /// What stands before `/v2/` or behind it to choose the upstream; URLs made for the client repeat it.
    package let clientPrefix: ClientPrefix
  }

  /// How the path of a request spelt the upstream.
  package enum ClientPrefix: Equatable, Sendable {
    case none
    /// `/v2/ghcr.io/owner/app/...`
    case insideVersion(String)
    /// `/ghcr.io/v2/owner/app/...`
    case beforeVersion(String)
  }

  package let upstreams: [Upstream]
  /// `example.com` when `docker.example.com` is a host of ours.
  package let domain: String?
  private let byName: [String: Int]
  private let byHost: [String: Int]
  private let defaultIndex: Int?

  /// Indexes the upstreams. Later ones win where two claim the same name or host; the configuration refuses that.
  package init(_ upstreams: [Upstream], domain: String? = nil) {
    self.upstreams = upstreams
    self.domain = domain
    var byName: [String: Int] = [:]
    var byHost: [String: Int] = [:]
    for (index, upstream) in upstreams.enumerated() {
      for name in upstream.aliases.union([upstream.name.description]) { byName[name] = index }
      for host in upstream.hosts { byHost[host.lowercased()] = index }
      if let domain { for label in upstream.hostLabels { byHost["\(label).\(domain)"] = index } }
    }
    self.byName = byName
    self.byHost = byHost
    self.defaultIndex = upstreams.firstIndex { $0.isDefault }
  }

  /// Every way to name an upstream, for the error that lists them.
  package var names: [String] { byName.keys.sorted() }

  /// Finds upstream and route of a request; an upstream that is named but unknown is an error, never a fall-through.
  package func match(_ target: RequestTarget, host: String) throws(RouteError) -> Match {
    let segments = target.segments
    if segments.first == "v2" {
      guard segments.count > 1 else { throw .unknownEndpoint("v2") }
      return try matchVersioned(segments[1...], query: target.query, host: host)
    }
    if segments.count > 2, segments[1] == "v2" {
      let name = String(segments[0])
      guard let index = byName[name] else { throw .unknownUpstream(name) }
      let route = try Route(segments: segments[2...], query: target.query)
      return makeMatch(index, .pathPrefix, route, .beforeVersion(name))
    }
    throw .unknownEndpoint(segments.joined(separator: "/"))
  }

  private func matchVersioned(
    _ segments: ArraySlice<Substring>,
    query: Query,
    host: String
  ) throws(RouteError) -> Match {
    let first = segments.first.map(String.init) ?? ""
    // A repository needs at least one component of its own: /v2/<upstream>/<name>/manifests/<reference>.
    let mayBePrefixed = segments.count >= 4
    if mayBePrefixed, let index = byName[first] {
      let route = try Route(segments: segments.dropFirst(), query: query)
      return makeMatch(index, .pathPrefix, route, .insideVersion(first))
    }
    if let namespace = query["ns"] {
      guard let index = byName[namespace.lowercased()] else { throw .unknownUpstream(namespace) }
      return makeMatch(index, .namespace, try Route(segments: segments, query: query), .none)
    }
    if let index = try indexForHost(host) {
      return makeMatch(index, .host, try Route(segments: segments, query: query), .none)
    }
    // Like docker, take a first component with a dot or a colon for a registry; the default is not asked for it.
    if mayBePrefixed, first.contains(".") || first.contains(":"), UpstreamName(first) != nil {
      throw .unknownUpstream(first)
    }
    guard let defaultIndex else { throw .unknownUpstream(host) }
    return makeMatch(defaultIndex, .defaultUpstream, try Route(segments: segments, query: query), .none)
  }

  private func makeMatch(_ index: Int, _ rule: Rule, _ route: Route, _ clientPrefix: ClientPrefix) -> Match {
    let upstream = upstreams[index]
    let canonical = route.repository.map { route.replacingRepository(upstream.canonicalName(of: $0)) } ?? route
    return Match(upstream: upstream, rule: rule, route: canonical, clientPrefix: clientPrefix)
  }

  /// The upstream of a `Host`; a name below our own domain that nobody has is an error.
  private func indexForHost(_ host: String) throws(RouteError) -> Int? {
    let name = Self.hostName(host)
    if let index = byHost[name] { return index }
    if let domain, name.hasSuffix(".\(domain)") { throw .unknownUpstream(name) }
    return nil
  }

  /// Whether the host is one that this proxy answers for: then `/` leads to `/v2/`.
  package func isKnownHost(_ host: String) -> Bool {
    guard let index = try? indexForHost(host) else {
      let name = Self.hostName(host)
      return name == domain || (defaultIndex != nil && !(domain.map { name.hasSuffix(".\($0)") } ?? false))
    }
    return upstreams.indices.contains(index)
  }

  /// The name in a `Host` header: lower case, without port and trailing dot.
  private static func hostName(_ host: String) -> String {
    let lowercased = host.lowercased()
    let end = lowercased.hasPrefix("[") ? lowercased.endIndex : lowercased.firstIndex(of: ":") ?? lowercased.endIndex
    let name = lowercased[..<end]
    return String(name.hasSuffix(".") ? name.dropLast() : name)
  }
}
