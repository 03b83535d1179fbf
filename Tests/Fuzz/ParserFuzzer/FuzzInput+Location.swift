internal import FoundationEssentials
internal import RegistryHandler

extension FuzzInput {
  /// Checks three lines: the endpoint, the requested URL, `Location`.
  func checkLocation() {
    let fields = fields(3)
    let asked = HTTPURL(fields[1])
    for url in [HTTPURL(fields[0]), asked].compactMap(\.self) { check(url) }
    guard let request = asked ?? HTTPURL("https://r.example/v2/a/blobs/x"),
      let endpoint = HTTPURL(fields[0]) ?? HTTPURL("\(request.origin)/")
    else { return }
    if let url = request.resolving(fields[2]) {
      check(url)
      checkExpiry(of: url)
      let reference = fields[2]
      let isRelative = !reference.contains("://") && !reference.hasPrefix("//")
      expect(!isRelative || url.isSameOrigin(as: request), "\(reference) leads to another host: \(url)")
    }
    var rules = RedirectRules()
    rules.internalHosts = ["internal.example", "127.0.0.1:9000", "[::1]"].compactMap(HostPattern.init)
    for content in [UpstreamRedirect.Content.blob, .document] {
      for mode in RedirectMode.allCases {
        let redirect = UpstreamRedirect(
          status: 307,
          location: fields[2],
          content: content,
          endpoint: endpoint,
          requestURL: request
        )
        check(RedirectPolicy(rules, mode: mode).action(for: redirect), redirect, rules)
      }
    }
  }

  private func check(_ url: HTTPURL) {
    expectEqual(HTTPURL(url.description), url, "a URL changes when parsed again")
    expect(url.description.utf8.allSatisfy(\.isVisible), "\(url) is not a URL")
    expect(url.target.hasPrefix("/") && !url.target.contains("#"), "\(url) has a fragment or no path")
    expect(!url.authority.contains("@"), "\(url) names a user")
    expect((1...65535).contains(url.effectivePort), "\(url) has no port")
    expect(!url.redacted.contains("?"), "\(url.redacted) shows the query")
  }

  private func check(_ action: RedirectAction, _ redirect: UpstreamRedirect, _ rules: RedirectRules) {
    switch action {
    case .follow(let url, let target):
      check(url)
      check(url, is: target, redirect, rules)
      expect(url != redirect.requestURL, "a redirect to itself is followed")
      expect(redirect.content == .document || target != .otherHost, "a blob is followed to a host outside the lists")
      checkAsAsked(url)
    case .passThrough(let sent, let target):
      expect(redirect.content == .blob, "a document is passed to the client")
      guard let url = HTTPURL(sent.location) else { fatalError("a client gets an invalid location: \(sent.location)") }
      check(url, is: target, redirect, rules)
      expect(sent.location.utf8.count < 2 * RedirectPolicy.maximumLocation, "a client gets a location that is too long")
    case .refuse(let refusal): expect(!refusal.description.isEmpty, "a redirect is refused without a reason")
    }
  }

  private func check(_ url: HTTPURL, is target: RedirectTarget, _ redirect: UpstreamRedirect, _ rules: RedirectRules) {
    expect(redirect.requestURL.scheme == .http || url.scheme == .https, "\(url) downgrades to http")
    expectEqual(
      url.isSameOrigin(as: redirect.endpoint),
      target == .sameOrigin,
      "the origin of \(url) is misjudged"
    )
    switch target {
    case .sameOrigin, .otherHost: break
    case .internalHost: expect(rules.internalHosts.contains { $0.matches(url) }, "\(url) is not internal")
    case .storageHost: expect(rules.storageHosts.contains { $0.matches(url) }, "\(url) is not storage")
    }
  }

  /// Checks that the HTTP client's parser, `URL`, finds the scheme, host and port that were judged.
  private func checkAsAsked(_ url: HTTPURL) {
    guard let other = URL(string: url.description) else { return }
    let host = other.host.map { $0.hasPrefix("[") ? String($0.dropFirst().dropLast()) : $0 }
    let judged = url.host.hasPrefix("[") ? String(url.host.dropFirst().dropLast()) : url.host
    expectEqual(host?.lowercased(), judged, "the client connects to another host than was judged")
    expectEqual(
      other.port ?? url.scheme.defaultPort,
      url.effectivePort,
      "the client connects to another port than was judged"
    )
    expectEqual(other.scheme?.lowercased(), url.scheme.rawValue, "the client uses another scheme than was judged")
    expect(other.user == nil && other.password == nil, "a user is found in \(url)")
  }

  private func checkExpiry(of url: HTTPURL) {
    _ = SignedURLExpiry.expiry(of: url)
    for now in [0, 1_700_000_000, Int64.max, .min] {
      expect(
        (0...30).contains(SignedURLExpiry.cacheLifetime(of: url, now: now)),
        "a redirect is cached for too long"
      )
    }
  }
}
