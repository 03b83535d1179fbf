/// The configured upstreams, and the rules that select one for a request.
package struct UpstreamTable: Sendable {
  /// The rule that selected the upstream: the first that applies.
  package enum Rule: String, Sendable {
    case pathPrefix
    case namespace
    case host
    case defaultUpstream
  }

  /// The upstream and the route of a request.
  package struct Match: Sendable {
    package let upstream: Upstream
    package let rule: Rule
    package let route: Route
    /// The part of the path that selected the upstream; URLs for the client repeat the prefix.
    package let clientPrefix: ClientPrefix
  }

  /// The spelling of the upstream in the path of a request.
  package enum ClientPrefix: Equatable, Sendable {
    case none
    /// A path such as `/v2/ghcr.io/owner/app/...`.
    case insideVersion(String)
    /// A path such as `/ghcr.io/v2/owner/app/...`.
    case beforeVersion(String)
  }

  package let upstreams: [Upstream]
  /// The domain whose hosts select upstreams: `example.com` for `docker.example.com`.
  package let domain: String?
  private let byName: [String: Int]
  private let byHost: [String: Int]
  private let defaultIndex: Int?

  /// Indexes the upstreams. If two have the same name or host, which the configuration rejects, the later one wins.
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

  /// The names and aliases of the upstreams, for the error that lists them.
  package var names: [String] { byName.keys.sorted() }

  /// Finds upstream and route of a request; an unknown upstream name is an error, never a fall-through.
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
    // Like docker, treat a first component with a dot or a colon as a registry; never send it to the default.
    if mayBePrefixed, first.utf8.contains(where: { $0 == UInt8(ascii: ".") || $0 == UInt8(ascii: ":") }),
      UpstreamName(first) != nil
    {
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

  /// Returns the upstream of a `Host`; an unknown name below the domain is an error.
  private func indexForHost(_ host: String) throws(RouteError) -> Int? {
    let name = Self.hostName(host)
    if let index = byHost[name] { return index }
    if let domain, name.hasSuffix(".\(domain)") { throw .unknownUpstream(name) }
    return nil
  }

  /// Returns whether the proxy serves the host, so that `/` redirects to `/v2/`.
  package func isKnownHost(_ host: String) -> Bool {
    guard let index = try? indexForHost(host) else {
      let name = Self.hostName(host)
      return name == domain || (defaultIndex != nil && !(domain.map { name.hasSuffix(".\($0)") } ?? false))
    }
    return upstreams.indices.contains(index)
  }

  /// Returns the name in a `Host` header in lower case, without port and trailing dot.
  private static func hostName(_ host: String) -> String {
    let lowercased = host.lowercased()
    let bytes = lowercased.utf8
    var end = bytes.endIndex
    if bytes.first != UInt8(ascii: "["), let colon = bytes.firstIndex(of: UInt8(ascii: ":")) { end = colon }
    var name = bytes[..<end]
    if name.last == UInt8(ascii: ".") { name.removeLast() }
    return String(Substring(name))
  }
}
