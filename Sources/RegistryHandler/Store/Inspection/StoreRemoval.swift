/// Takes something out of the store, and what only it needs. Safe beside workers: what is asked for again is fetched again.
package struct StoreRemoval: Sendable {
  package enum Target: Equatable, Sendable {
    /// All of a repository.
    case repository(UpstreamRepository)
    /// A tag, and its image unless another tag or index has it.
    case tag(UpstreamRepository, TagName)
    /// A manifest with its tags, or a blob, of a repository.
    case content(UpstreamRepository, Digest)
    /// The bytes, whichever repositories have them.
    case blob(Digest)
  }

  /// What goes.
  package struct Plan: Equatable, Sendable {
    /// The records of tags.
    package fileprivate(set) var tags: [String] = []
    /// Of blobs and manifests to repositories.
    package fileprivate(set) var links: [String] = []
    package fileprivate(set) var blobs: [Digest] = []
    /// What the blobs take of the disk.
    package fileprivate(set) var bytes: Int64 = 0

    package var isEmpty: Bool { tags.isEmpty && links.isEmpty && blobs.isEmpty }
  }

  private let store: Store

  package init(_ store: Store) { self.store = store }

  /// Finds what goes, and removes nothing. Blocks.
  package func plan(_ target: Target) -> Plan {
    var plan = Plan()
    let digests: Set<Digest>
    switch target {
    case .repository(let repository):
      plan.tags = store.tagRecords(in: repository).map(\.path)
      digests = Set(store.blobLinks(in: repository) + store.manifestLinks(in: repository))
      unlink(digests, in: repository, &plan)
    case .tag(let repository, let tag):
      digests = remove(tag, in: repository, &plan)
    case .content(let repository, let digest):
      let contents = RepositoryContents(repository, in: store)
      plan.tags = store.tagRecords(in: repository).filter { $0.digest == digest }.map(\.path)
      digests = onlyNeeded(by: [digest], contents)
      unlink(digests, in: repository, &plan)
    case .blob(let digest):
      digests = [digest]
      store.forEachRepository { repository in
        plan.tags += store.tagRecords(in: repository).filter { $0.digest == digest }.map(\.path)
        unlink(digests, in: repository, &plan)
      }
    }
    plan.blobs = unlinked(digests, after: plan).sorted { $0.hex < $1.hex }
    plan.bytes = plan.blobs.reduce(0) { $0 + StoreUsage.taken(by: store.size(of: $1) ?? 0) }
    return plan
  }

  /// Removes what was found. Blocks.
  package func carryOut(_ plan: Plan) {
    // In this order: what leads to something goes before it.
    for path in plan.tags { store.removeTagRecord(at: path) }
    for path in plan.links { store.fileSystem.remove(path) }
    for digest in plan.blobs {
      guard let size = store.size(of: digest) else { continue }
      store.fileSystem.remove(store.layout.blob(digest))
      store.usage.add(-StoreUsage.taken(by: size))
    }
  }

  /// - Returns: what nothing in the repository needs once the tag has gone.
  private func remove(_ tag: TagName, in repository: UpstreamRepository, _ plan: inout Plan) -> Set<Digest> {
    let contents = RepositoryContents(repository, in: store)
    let records = store.tagRecords(in: repository).filter { $0.tag == tag }
    plan.tags = records.map(\.path)
    let children = Set(contents.manifests.values.flatMap(\.manifests))
    let named = Set(records.compactMap(\.digest))
    // An index that another tag has stays, and what it names with it.
    let going = named.filter { contents.tags[$0] == [tag] }
    let images = going.filter { !children.contains($0) || !isNamedByAnother($0, than: going, contents) }
    let digests = onlyNeeded(by: images, contents)
    unlink(digests, in: repository, &plan)
    return digests
  }

  /// Whether an index that stays names a manifest.
  private func isNamedByAnother(_ digest: Digest, than going: Set<Digest>, _ contents: RepositoryContents) -> Bool {
    contents.manifests.contains { !going.contains($0.key) && $0.value.manifests.contains(digest) }
  }

  private func onlyNeeded(by digests: Set<Digest>, _ contents: RepositoryContents) -> Set<Digest> {
    let staying = contents.reachable(from: contents.images.subtracting(digests))
    return contents.reachable(from: digests).subtracting(staying).union(digests)
  }

  private func unlink(_ digests: Set<Digest>, in repository: UpstreamRepository, _ plan: inout Plan) {
    for digest in digests {
      for path in links(to: digest, in: repository) where store.fileSystem.size(of: path) != nil {
        plan.links.append(path)
      }
    }
  }

  private func links(to digest: Digest, in repository: UpstreamRepository) -> [String] {
    [store.layout.manifest(digest, in: repository), store.layout.blobLink(digest, in: repository)]
  }

  /// The blobs among them that no repository has any more.
  private func unlinked(_ digests: Set<Digest>, after plan: Plan) -> Set<Digest> {
    let going = Set(plan.links)
    var unlinked = digests.filter { store.size(of: $0) != nil }
    store.forEachRepository { repository in
      unlinked = unlinked.filter { digest in
        links(to: digest, in: repository).allSatisfy { going.contains($0) || store.fileSystem.size(of: $0) == nil }
      }
    }
    return unlinked
  }
}

extension StoreRemoval.Target {
  /// Parses `upstream/repository`, with `:tag` or `@digest`, or a digest alone; `nil` for anything else.
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
      // What a tag says beside a digest is for people.
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
