extension StoreRemoval {
  /// The part of the store to remove.
  package enum Target: Equatable, Sendable {
    /// A whole repository.
    case repository(UpstreamRepository)
    /// A tag, and its image unless another tag or index names it.
    case tag(UpstreamRepository, TagName)
    /// A manifest with its tags, or a blob, of a repository.
    case content(UpstreamRepository, Digest)
    /// A blob in all repositories.
    case blob(Digest)
  }
}

extension StoreRemoval.Target {
  /// The same target by each way of access: a name stands for all that the store has of it.
  var forEachAccess: [StoreRemoval.Target] {
    func all(_ repository: UpstreamRepository) -> [UpstreamRepository] {
      AccessMode.allCases.map { UpstreamRepository(upstream: repository.upstream, name: repository.name, access: $0) }
    }
    return switch self {
    case .repository(let repository): all(repository).map { .repository($0) }
    case .tag(let repository, let tag): all(repository).map { .tag($0, tag) }
    case .content(let repository, let digest): all(repository).map { .content($0, digest) }
    case .blob: [self]
    }
  }

  /// Parses `upstream/repository`, with `:tag` or `@digest`, or a digest alone; returns `nil` for anything else.
  package init?(_ text: String) {
    if let digest = Digest(text) {
      self = .blob(digest)
      return
    }
    let parts = text.split(separator: "@", omittingEmptySubsequences: false)
    guard let first = parts.first, parts.count <= 2, let slash = first.firstIndex(of: "/"),
      let upstream = UpstreamName(first[..<slash])
    else { return nil }
    let rest = first[first.index(after: slash)...]
    let colon = rest.firstIndex(of: ":")
    guard let name = RepositoryName(rest[..<(colon ?? rest.endIndex)]) else { return nil }
    let repository = UpstreamRepository(upstream: upstream, name: name)
    if parts.count == 2 {
      // A tag beside a digest is only for people.
      guard let digest = Digest(parts[1]) else { return nil }
      self = .content(repository, digest)
    } else if let colon {
      guard let tag = TagName(rest[rest.index(after: colon)...]) else { return nil }
      self = .tag(repository, tag)
    } else {
      self = .repository(repository)
    }
  }
}
