/// The removal of content from the store, with everything that only this content needs. Safe while workers serve:
/// removed content is fetched again on the next request.
package struct StoreRemoval: Sendable {
  /// The files to remove.
  package struct Plan: Equatable, Sendable {
    /// The paths of tag records.
    package fileprivate(set) var tags: [String] = []
    /// The paths of links and manifest records.
    package fileprivate(set) var links: [String] = []
    package fileprivate(set) var blobs: [Digest] = []
    /// The space of the blobs on the disk in bytes.
    package fileprivate(set) var bytes: Int64 = 0

    package var isEmpty: Bool { tags.isEmpty && links.isEmpty && blobs.isEmpty }
  }

  private let store: Store

  package init(_ store: Store) { self.store = store }

  /// Finds the files to remove, and removes none. Blocks.
  package func plan(_ target: Target) -> Plan {
    var plan = Plan()
    var digests: Set<Digest> = []
    for target in target.forEachAccess { digests.formUnion(collect(target, &plan)) }
    plan.blobs = unlinked(digests, after: plan).sorted { $0.hex < $1.hex }
    plan.bytes = plan.blobs.reduce(0) { $0 + StoreUsage.taken(by: store.size(of: $1) ?? 0) }
    return plan
  }

  /// Adds the tags and links of a target to a plan, and returns the content that they name.
  private func collect(_ target: Target, _ plan: inout Plan) -> Set<Digest> {
    let digests: Set<Digest>
    switch target {
    case .repository(let repository):
      plan.tags += store.tagRecords(in: repository).map(\.path)
      digests = Set(store.blobLinks(in: repository) + store.manifestLinks(in: repository))
      unlink(digests, in: repository, &plan)
    case .tag(let repository, let tag):
      digests = remove(tag, in: repository, &plan)
    case .content(let repository, let digest):
      let contents = RepositoryContents(repository, in: store)
      plan.tags += store.tagRecords(in: repository).filter { $0.digest == digest }.map(\.path)
      digests = onlyNeeded(by: [digest], contents)
      unlink(digests, in: repository, &plan)
    case .blob(let digest):
      digests = [digest]
      store.forEachRepository { repository in
        plan.tags += store.tagRecords(in: repository).filter { $0.digest == digest }.map(\.path)
        unlink(digests, in: repository, &plan)
      }
    }
    return digests
  }

  /// Removes the files of a plan. Blocks.
  package func carryOut(_ plan: Plan) {
    // The order matters: a tag record is removed before its manifest's link, and a link before its blob.
    for path in plan.tags { store.removeTagRecord(at: path) }
    for path in plan.links { store.fileSystem.remove(path) }
    for digest in plan.blobs {
      guard let size = store.size(of: digest) else { continue }
      store.fileSystem.remove(store.layout.blob(digest))
      store.usage.add(-StoreUsage.taken(by: size))
    }
  }

  /// Plans the removal of a tag.
  /// - Returns: the content that nothing in the repository needs without the tag.
  private func remove(_ tag: TagName, in repository: UpstreamRepository, _ plan: inout Plan) -> Set<Digest> {
    let contents = RepositoryContents(repository, in: store)
    let records = store.tagRecords(in: repository).filter { $0.tag == tag }
    plan.tags += records.map(\.path)
    let children = Set(contents.manifests.values.flatMap(\.manifests))
    let named = Set(records.compactMap(\.digest))
    // An index that another tag names stays, with everything that the index names.
    let going = named.filter { contents.tags[$0] == [tag] }
    let images = going.filter { !children.contains($0) || !isNamedByAnother($0, than: going, contents) }
    let digests = onlyNeeded(by: images, contents)
    unlink(digests, in: repository, &plan)
    return digests
  }

  /// Returns whether an index that stays names a manifest.
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

  /// The stored blobs that no repository links to after the removal.
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
