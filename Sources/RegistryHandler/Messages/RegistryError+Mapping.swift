extension RegistryError {
  /// Maps the error of a request that leads to no content.
  package init(_ error: RouteError, upstreams: [String]) {
    switch error {
    case .malformedPath(let path, let why):
      self.init(400, .nameInvalid, "the path \(Self.quoted(path)) is not a registry path: \(why)")
    case .malformedQuery(let item):
      self.init(400, .unsupported, "the query parameter \(Self.quoted(item)) cannot be read")
    case .invalidName(let name):
      self.init(
        400,
        .nameInvalid,
        "\(Self.quoted(name)) is not a valid repository name: use lower-case letters, digits and single separators, "
          + "at most \(RepositoryName.maximumLength) bytes"
      )
    case .invalidDigest(let digest):
      self.init(
        400,
        .digestInvalid,
        "\(Self.quoted(digest)) is not a valid digest: use sha256:<64 hex digits> or sha512:<128 hex digits>, in lower case"
      )
    case .invalidTag(let tag):
      self.init(
        400,
        .tagInvalid,
        "\(Self.quoted(tag)) is not a valid tag: use letters, digits, '_', '.' and '-', at most \(TagName.maximumLength) bytes"
      )
    case .unknownUpstream(let name):
      self.init(
        404,
        .nameUnknown,
        "\(Self.quoted(name)) is not an upstream of this proxy: use one of those listed, or add it to 'upstreams:'"
      )
      routes = upstreams
    case .unknownEndpoint(let path):
      self.init(404, .unsupported, "\(Self.quoted("/" + path)) is not an endpoint of a registry")
      routes = upstreams
    }
  }

  /// Maps the failure of an upstream.
  ///
  /// Clients take 400 and 403 for a blob as final and do not try their next mirror, so a blob's failures are 404 or 5xx. A
  /// refused anonymous token means the same as an unknown name: this proxy cannot tell them apart.
  package init(_ error: UpstreamError, of upstream: UpstreamName, for route: Route) {
    let (status, code) = Self.response(to: error, for: route)
    self.init(status, code, "\(upstream): \(error.reason)")
    self.upstream = upstream
    upstreamStatus = error.status
    if status == 429 || status == 503 { retryAfter = error.retryAfter ?? "5" }
  }

  private static func response(to error: UpstreamError, for route: Route) -> (Int, Code) {
    switch error.kind {
    case .timeout, .stalled: return (504, .unavailable)
    case .unreachable, .invalidResponse: return (502, .unavailable)
    case .unavailable, .cancelled, .notSent: return (503, .unavailable)
    case .authentication, .status:
      switch error.status {
      case 401?, 404?: return (404, unknownCode(for: route))
      case 403?: return isBlob(route) ? (404, .blobUnknown) : (403, .denied)
      case 429?: return (429, .tooManyRequests)
      case 503?: return (503, .unavailable)
      case 504?: return (504, .unavailable)
      default: return (502, .unavailable)
      }
    }
  }

  private static func isBlob(_ route: Route) -> Bool {
    if case .blob = route { true } else { false }
  }

  private static func unknownCode(for route: Route) -> Code {
    switch route {
    case .blob: .blobUnknown
    case .manifest: .manifestUnknown
    default: .nameUnknown
    }
  }

  /// Shortens text of a request and makes it printable.
  private static func quoted(_ text: String) -> String {
    let printable = String(decoding: text.utf8.prefix(200).map { $0 > 0x1F && $0 < 0x7F ? $0 : 0x3F }, as: UTF8.self)
    return "'\(printable)\(text.utf8.count > 200 ? "..." : "")'"
  }
}
