/// Decides between following, passing on and refusing a redirect; pure.
package struct RedirectPolicy: Sendable {
  /// The maximum length of a chain: enough for every known registry, small enough that a loop costs little.
  package static let maximumHops = 5

  /// The maximum length of `Location` in bytes: nginx has to fit the whole response header into its buffer.
  package static let maximumLocation = 16_384

  /// The statuses that redirect to a `Location`. <https://www.rfc-editor.org/rfc/rfc9110#section-15.4>
  package static let statuses: Set<Int> = [301, 302, 303, 307, 308]

  private let rules: RedirectRules
  private let mode: RedirectMode

  /// Creates the policy for a request.
  /// - Parameter mode: the policy for redirects to storage, for the client that sent the request.
  package init(_ rules: RedirectRules, mode: RedirectMode) {
    self.rules = rules
    self.mode = mode
  }

  /// Returns the action for a redirect.
  package func action(for redirect: UpstreamRedirect) -> RedirectAction {
    guard Self.statuses.contains(redirect.status) else { return .refuse(.notARedirect(redirect.status)) }
    guard let location = redirect.location, !location.isEmpty else { return .refuse(.noLocation) }
    guard location.utf8.count <= Self.maximumLocation else { return .refuse(.longLocation(Self.maximumLocation)) }
    let request = redirect.requestURL
    guard let url = request.resolving(location) else { return .refuse(.malformedLocation) }
    guard request.scheme == .http || url.scheme == .https else {
      return .refuse(.downgrade(host: url.host, isEndpoint: url.host == redirect.endpoint.host))
    }
    guard redirect.visited.count < Self.maximumHops else { return .refuse(.tooManyHops(Self.maximumHops)) }
    let target = target(of: url, endpoint: redirect.endpoint)
    // The worker would escape such a URL and break its signature, so the client follows it.
    let wouldBreakSignature = target == .storageHost && redirect.content == .blob && !url.hasOnlyURICharacters
    guard isFetched(target, redirect.content), !wouldBreakSignature else {
      // A relative reference would resolve differently against the client's own URL.
      let absolute = HTTPURL(location) == nil ? url.description : location
      return .passThrough(
        ClientRedirect(status: redirect.status, location: absolute, method: redirect.method),
        target
      )
    }
    guard url.hasOnlyURICharacters else { return .refuse(.malformedLocation) }
    guard url != request, !redirect.visited.contains(url) else { return .refuse(.cycle) }
    return .follow(url, target)
  }

  private func target(of url: HTTPURL, endpoint: HTTPURL) -> RedirectTarget {
    if url.isSameOrigin(as: endpoint) { return .sameOrigin }
    if rules.internalHosts.contains(where: { $0.matches(url) }) { return .internalHost }
    return rules.storageHosts.contains { $0.matches(url) } ? .storageHost : .otherHost
  }

  private func isFetched(_ target: RedirectTarget, _ content: UpstreamRedirect.Content) -> Bool {
    if content == .document { return true }
    return switch target {
    case .sameOrigin, .internalHost: true
    case .storageHost: mode == .follow
    case .otherHost: false
    }
  }
}
