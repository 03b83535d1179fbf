/// Takes something out of the store, and what only it needs. Safe beside workers: what is asked for again is fetched again.
package struct StoreRemoval: Sendable {
  package enum Target: Equatable, Sendable {
    /// All of a repository.
    case repository(RepositoryPlace)
    /// A tag, and its image unless another tag or index has it.
    case tag(RepositoryPlace, Tag)
    /// A manifest with its tags, or a blob, of a repository.
    case content(RepositoryPlace, Digest)
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
    case .repository(let place):
      plan.tags = store.tagRecords(in: place).map(\.path)
      digests = Set(store.blobLinks(in: place) + store.manifestLinks(in: place))
      unlink(digests, in: place, &plan)
    case .tag(let place, let tag):
      digests = remove(tag, in: place, &plan)
    case .content(let place, let digest):
      let contents = RepositoryContents(place, in: store)
      plan.tags = store.tagRecords(in: place).filter { $0.digest == digest }.map(\.path)
      digests = onlyNeeded(by: [digest], contents)
      unlink(digests, in: place, &plan)
    case .blob(let digest):
      digests = [digest]
      store.forEachPlace { place in
        plan.tags += store.tagRecords(in: place).filter { $0.digest == digest }.map(\.path)
        unlink(digests, in: place, &plan)
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
  private func remove(_ tag: Tag, in place: RepositoryPlace, _ plan: inout Plan) -> Set<Digest> {
    let contents = RepositoryContents(place, in: store)
    let records = store.tagRecords(in: place).filter { $0.tag == tag }
    plan.tags = records.map(\.path)
    let children = Set(contents.manifests.values.flatMap(\.manifests))
    let named = Set(records.compactMap(\.digest))
    // An index that another tag has stays, and what it names with it.
    let going = named.filter { contents.tags[$0] == [tag] }
    let images = going.filter { !children.contains($0) || !isNamedByAnother($0, than: going, contents) }
    let digests = onlyNeeded(by: images, contents)
    unlink(digests, in: place, &plan)
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

  private func unlink(_ digests: Set<Digest>, in place: RepositoryPlace, _ plan: inout Plan) {
    for digest in digests {
      for path in links(to: digest, in: place) where store.fileSystem.size(of: path) != nil { plan.links.append(path) }
    }
  }

  private func links(to digest: Digest, in place: RepositoryPlace) -> [String] {
    [store.layout.manifest(digest, in: place), store.layout.blobLink(digest, in: place)]
  }

  /// The blobs among them that no repository has any more.
  private func unlinked(_ digests: Set<Digest>, after plan: Plan) -> Set<Digest> {
    let going = Set(plan.links)
    var unlinked = digests.filter { store.size(of: $0) != nil }
    store.forEachPlace { place in
      unlinked = unlinked.filter { digest in
        links(to: digest, in: place).allSatisfy { going.contains($0) || store.fileSystem.size(of: $0) == nil }
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
    guard let repository = RepositoryName(rest[..<(colon ?? rest.endIndex)]) else { return nil }
    let place = RepositoryPlace(upstream: upstream, repository: repository)
    if parts.count == 2 {
      // What a tag says beside a digest is for people.
      guard let digest = Digest(parts[1]) else { return nil }
      self = .content(place, digest)
    } else if let colon {
      guard let tag = Tag(rest[rest.index(after: colon)...]) else { return nil }
      self = .tag(place, tag)
    } else {
      self = .repository(place)
    }
  }
}
