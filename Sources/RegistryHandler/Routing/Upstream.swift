/// One upstream registry as it is configured here.
package struct Upstream: Sendable {
  package let name: UpstreamName
  /// Other names that requests may use for it, such as `registry-1.docker.io`.
  package var aliases: Set<String> = []
  /// Base URLs, tried in order.
  package var endpoints: [HTTPURL]
  /// Hosts, without port, whose requests go to it.
  package var hosts: Set<String> = []
  /// Labels below the `domain` of the configuration: `docker` for `docker.example.com`.
  package var hostLabels: Set<String> = []
  /// Whether a repository name of one component stands for `library/<name>`.
  package var hasLibrary = false
  /// Whether it takes the requests that name no upstream.
  package var isDefault = false
  /// Glob patterns of the repositories that may be asked for; empty allows all.
  package var allow: [GlobPattern] = []
  /// Glob patterns of the repositories that may not be asked for.
  package var deny: [GlobPattern] = []
  /// Hosts, besides those on the endpoint's registrable domain, that may be asked for tokens.
  package var realms: [HostPattern] = []
  /// What becomes of its redirects.
  package var redirects = RedirectRules()
  /// Networks beyond the public Internet where hosts that it names may be: redirects, token services.
  package var allowPrivate: [IPNetwork] = []
  /// How long a tag is served without asking upstream again.
  package var tagTTL: Duration = .seconds(60)
  /// How long the last known answer for a tag may be served while upstream gives none.
  package var staleIfError: Duration = .seconds(7 * 86_400)
  /// A file of PEM certificates that are trusted for it besides the system's.
  package var caFile: String?

  package init(name: UpstreamName, endpoints: [HTTPURL]) {
    self.name = name
    self.endpoints = endpoints
  }

  /// The repository as upstream knows it: `alpine` is `library/alpine` where that is the custom.
  package func canonicalName(of repository: RepositoryName) -> RepositoryName {
    guard hasLibrary, repository.isSingleComponent else { return repository }
    return repository.inside("library") ?? repository
  }

  /// Whether the lists of the operator let the repository be asked for.
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
