/// The resource that a request names, without the part that selects the upstream.
package enum Route: Equatable, Sendable {
  case root
  case ping
  case manifest(RepositoryName, Reference)
  case blob(RepositoryName, Digest)
  case tags(RepositoryName, TagListQuery)
  case referrers(RepositoryName, Digest, artifactType: String?)
  case token
  case uploads(RepositoryName)
  case status(StatusEndpoint)
}

extension Route {
  /// Parses the segments after `/v2/`.
  ///
  /// The name is everything before the last `manifests`, `blobs`, `tags` or `referrers`, since a repository may have
  /// any of these names too.
  package init(segments: ArraySlice<Substring>, query: Query) throws(RouteError) {
    let path = { segments.joined(separator: "/") }
    if segments.count == 1, segments.first == "" {
      self = .ping
      return
    }
    if segments.count == 1, segments.first == "auth" {
      self = .token
      return
    }
    if let marker = segments.lastIndex(of: "uploads"), marker >= segments.startIndex + 2,
      segments[marker - 1] == "blobs", marker >= segments.endIndex - 2
    {
      self = .uploads(try Self.name(segments[..<(marker - 1)]))
      return
    }
    guard segments.count >= 3, let last = segments.last else { throw .unknownEndpoint(path()) }
    let nameSegments = segments.dropLast(2)
    switch segments[segments.endIndex - 2] {
    case "manifests": self = .manifest(try Self.name(nameSegments), try Self.reference(last))
    case "blobs": self = .blob(try Self.name(nameSegments), try Self.digest(last))
    case "referrers":
      self = .referrers(try Self.name(nameSegments), try Self.digest(last), artifactType: query["artifactType"])
    case "tags" where last == "list": self = .tags(try Self.name(nameSegments), try TagListQuery(query))
    default: throw .unknownEndpoint(path())
    }
  }

  private static func name(_ segments: ArraySlice<Substring>) throws(RouteError) -> RepositoryName {
    guard let first = segments.first, let last = segments.last else { throw .invalidName("") }
    // The segments are adjacent in the path they were split from.
    let text = first.base[first.startIndex..<last.endIndex]
    guard let name = RepositoryName(text) else { throw .invalidName(String(text)) }
    return name
  }

  private static func digest(_ text: Substring) throws(RouteError) -> Digest {
    guard let digest = Digest(text) else { throw .invalidDigest(String(text)) }
    return digest
  }

  private static func reference(_ text: Substring) throws(RouteError) -> Reference {
    if text.utf8.contains(UInt8(ascii: ":")) { return .digest(try digest(text)) }
    guard let tag = TagName(text) else { throw .invalidTag(String(text)) }
    return .tag(tag)
  }
}
