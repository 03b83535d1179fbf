/// An upstream registry as configured.
package struct Upstream: Sendable {
  package let name: UpstreamName
  /// Other names that requests may use for the upstream, such as `registry-1.docker.io`.
  package var aliases: Set<String> = []
  /// Base URLs, tried in order.
  package var endpoints: [HTTPURL]
  /// Hosts, without port, whose requests go to the upstream.
  package var hosts: Set<String> = []
  /// Labels below the `domain` of the configuration: `docker` for `docker.example.com`.
  package var hostLabels: Set<String> = []
  /// True if a repository name of one component stands for `library/<name>`.
  package var hasLibrary = false
  /// True if requests that name no upstream go to this one.
  package var isDefault = false
  /// Networks of the clients that may use the upstream; empty allows all.
  package var clients: [IPNetwork] = []
  /// Patterns of the allowed repositories; empty allows all.
  package var allow: [GlobPattern] = []
  /// Patterns of the denied repositories.
  package var deny: [GlobPattern] = []
  /// Allowed token services besides hosts on the endpoint's registrable domain.
  package var realms: [HostPattern] = []
  /// The rules for redirects from the upstream.
  package var redirects = RedirectRules()
  /// Networks besides the public Internet allowed for redirects and token services.
  package var allowPrivate: [IPNetwork] = []
  /// The time for which a tag is served without revalidation.
  package var tagTTL: Duration = .seconds(60)
  /// The time for which a stale tag may be served while upstream gives no usable response.
  package var staleIfError: Duration = .seconds(7 * 86_400)
  /// The operator's account, which the worker uses for all clients; without it, the upstream's content is public.
  package var account: ServiceAccount?
  /// The proxies through which the upstream, and what it names, is reached.
  package var proxies = ProxyRules.direct
  /// A file of PEM certificates to trust for the upstream besides the system's.
  package var caFile: String?

  package init(name: UpstreamName, endpoints: [HTTPURL]) {
    self.name = name
    self.endpoints = endpoints
  }

  /// The way in which the upstream is asked.
  package var access: AccessMode { account == nil ? .anonymous : .service }

  /// Returns the upstream's own name for a repository: `library/alpine` for `alpine` if ``hasLibrary`` is set.
  package func canonicalName(of repository: RepositoryName) -> RepositoryName {
    guard hasLibrary, repository.isSingleComponent else { return repository }
    return repository.inside("library") ?? repository
  }

  /// Returns whether a client may use the upstream; one whose address nginx does not tell may not, if some may not.
  package func admits(_ client: IPAddress?) -> Bool {
    clients.isEmpty || client.map { address in clients.contains { $0.contains(address) } } ?? false
  }

  /// Returns whether the operator's lists permit the repository.
  package func permits(_ repository: RepositoryName) -> Bool {
    let name = repository.description
    if deny.contains(where: { $0.matches(name) }) { return false }
    return allow.isEmpty || allow.contains { $0.matches(name) }
  }

  /// The addresses allowed to hosts that the upstream names, as opposed to hosts in the configuration: prevents SSRF.
  var namedAddresses: AddressRule { .publicOr(allowed: allowPrivate) }

  /// Returns the URL of a route at an endpoint, below the path that the endpoint may have.
  package func url(for route: Route, at endpoint: HTTPURL) -> HTTPURL {
    let base = endpoint.target.hasSuffix("/") ? String(endpoint.target.dropLast()) : endpoint.target
    return endpoint.replacingTarget(base + route.target)
  }
}
