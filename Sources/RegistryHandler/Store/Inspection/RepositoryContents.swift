/// The stored manifests and the tags of one repository, with the references between them.
package struct RepositoryContents: Sendable {
  package let repository: UpstreamRepository
  /// The manifests that are stored.
  package let manifests: [Digest: ManifestContents]
  /// The tags by the manifest that they were last seen as, stored or not.
  package let tags: [Digest: Set<TagName>]

  /// Reads every manifest of the repository. Blocks.
  package init(_ repository: UpstreamRepository, in store: Store) {
    self.repository = repository
    var manifests: [Digest: ManifestContents] = [:]
    for digest in store.manifestLinks(in: repository) {
      guard let bytes = store.manifestBytes(digest) else { continue }
      manifests[digest] = ManifestContents(bytes) ?? ManifestContents(Array("{}".utf8))
    }
    self.manifests = manifests
    var tags: [Digest: Set<TagName>] = [:]
    for record in store.tagRecords(in: repository) {
      if let digest = record.digest { tags[digest, default: []].insert(record.tag) }
    }
    self.tags = tags
  }

  /// The manifests that are images of their own: a tag names them, or no index does.
  package var images: Set<Digest> {
    let children = Set(manifests.values.flatMap(\.manifests))
    return Set(manifests.keys.filter { tags[$0] != nil || !children.contains($0) })
  }

  /// The given manifests with everything that they name.
  package func reachable(from manifests: some Sequence<Digest>) -> Set<Digest> {
    var reached: Set<Digest> = []
    var next = Array(manifests)
    while let digest = next.popLast() {
      guard reached.insert(digest).inserted, let contents = self.manifests[digest] else { continue }
      reached.formUnion(contents.blobs)
      next += contents.manifests
    }
    return reached
  }
}

extension Store {
  /// The bytes of a manifest, without recording a use; `nil` when they are not stored. Blocks.
  func manifestBytes(_ digest: Digest) -> [UInt8]? {
    (try? fileSystem.read(layout.blob(digest), limit: Self.maximumManifestSize)) ?? nil
  }
}
