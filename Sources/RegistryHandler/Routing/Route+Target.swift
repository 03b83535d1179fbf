extension Route {
  /// The repository of the route.
  package var repository: RepositoryName? {
    switch self {
    case .manifest(let name, _), .blob(let name, _), .tags(let name, _), .referrers(let name, _, _),
      .uploads(let name):
      name
    case .root, .ping, .token, .status: nil
    }
  }

  /// The tag or digest of the route.
  package var reference: String? {
    switch self {
    case .manifest(_, let reference): reference.description
    case .blob(_, let digest), .referrers(_, let digest, _): digest.description
    case .root, .ping, .tags, .token, .uploads, .status: nil
    }
  }

  /// The kind of the request.
  package var kind: RequestKind {
    switch self {
    case .root: .root
    case .ping: .ping
    case .manifest: .manifest
    case .blob: .blob
    case .tags: .tags
    case .referrers: .referrers
    case .token: .token
    case .uploads: .upload
    case .status: .status
    }
  }

  /// Returns the route with the repository replaced.
  package func replacingRepository(_ name: RepositoryName) -> Route {
    switch self {
    case .manifest(_, let reference): .manifest(name, reference)
    case .blob(_, let digest): .blob(name, digest)
    case .tags(_, let query): .tags(name, query)
    case .referrers(_, let digest, let artifactType): .referrers(name, digest, artifactType: artifactType)
    case .uploads: .uploads(name)
    case .root, .ping, .token, .status: self
    }
  }

  /// Path and query at a registry, serialized from the parsed values: the inverse of parsing.
  package var target: String {
    switch self {
    case .root: return "/"
    case .ping: return "/v2/"
    case .token: return "/v2/auth"
    case .status(let endpoint): return "/_regproxy/\(endpoint.rawValue)"
    case .uploads(let name): return "/v2/\(name)/blobs/uploads/"
    case .manifest(let name, let reference): return "/v2/\(name)/manifests/\(reference)"
    case .blob(let name, let digest): return "/v2/\(name)/blobs/\(digest)"
    case .tags(let name, let query):
      var parameters: [String] = []
      if let n = query.n { parameters.append("n=\(n)") }
      if let last = query.last { parameters.append("last=\(last.percentEncoded)") }
      return "/v2/\(name)/tags/list" + (parameters.isEmpty ? "" : "?" + parameters.joined(separator: "&"))
    case .referrers(let name, let digest, let artifactType):
      return "/v2/\(name)/referrers/\(digest)" + (artifactType.map { "?artifactType=\($0.percentEncoded)" } ?? "")
    }
  }
}
