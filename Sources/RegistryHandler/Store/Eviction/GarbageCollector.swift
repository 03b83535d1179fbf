/// Removes what serves nobody any more: links and records of blobs that have gone, and what was never finished.
package struct GarbageCollector: Sendable {
  /// What is left of a download stays so long for somebody to go on with it, in seconds.
  package static let partialLife: Int64 = 7 * 86_400

  /// A file that somebody may still be writing, or a link whose blob may still come, is younger. In seconds.
  package static let grace: Int64 = 3600

  private let store: Store
  private let now: Int64

  /// - Parameter now: seconds since 1970.
  package init(_ store: Store, now: Int64) {
    self.store = store
    self.now = now
  }

  /// Blocks, long in a large store; requests go on meanwhile.
  package func collectGarbage() {
    collectPartials()
    store.forEachRepository { collect($0) }
  }

  /// What is left of a download that nobody seems to go on with.
  package struct AbandonedPartial: Sendable {
    let digest: Digest
    let modificationTime: Int64
    /// As the disk counts it, in bytes.
    let taken: Int64
  }

  /// A download that has brought nothing for so long has been left, in seconds: one that stalls is ended sooner.
  package static let abandonment: Int64 = 180

  /// The oldest first. Blocks.
  /// - Parameter age: for how many seconds, and more, they have not grown.
  package func partials(unchangedFor age: Int64) -> [AbandonedPartial] {
    var partials: [AbandonedPartial] = []
    store.forEachPartial { digest, use in
      guard now - use.modificationTime > age else { return }
      let taken = StoreUsage.taken(by: use.size)
      partials.append(AbandonedPartial(digest: digest, modificationTime: use.modificationTime, taken: taken))
    }
    return partials.sorted { $0.modificationTime < $1.modificationTime }
  }

  /// Removes what is left of a download, unless somebody is at it. Blocks.
  /// - Returns: whether it has gone.
  @discardableResult
  package func discard(_ partial: AbandonedPartial) -> Bool {
    guard case .mine(let file)? = try? PartialFile.claim(partial.digest, in: store) else { return false }
    file.discard()
    return true
  }

  private func isOlder(_ path: String, than age: Int64) -> Bool {
    store.fileSystem.status(of: path).map { now - $0.modificationTime > age } ?? false
  }

  private func collectPartials() {
    let partials = store.layout.partials
    for name in store.fileSystem.entries(of: partials) where name.hasPrefix("record-") {
      let path = "\(partials)/\(name)"
      if isOlder(path, than: Self.grace) { store.fileSystem.remove(path) }
    }
    for algorithm in Digest.Algorithm.allCases {
      let directory = "\(partials)/\(algorithm.rawValue)"
      let names = Set(store.fileSystem.entries(of: directory))
      for name in names where name.hasSuffix(".json") {
        let path = "\(directory)/\(name)"
        // A record is written before its download has begun, and goes with it.
        let isAlone = !names.contains(String(name.dropLast(".json".count)))
        if isAlone, isOlder(path, than: Self.grace) { store.fileSystem.remove(path) }
      }
    }
    for partial in self.partials(unchangedFor: Self.partialLife) { discard(partial) }
  }

  private func collect(_ repository: UpstreamRepository) {
    let (layout, fileSystem) = (store.layout, store.fileSystem)
    func servesNobody(_ path: String, leadingTo digest: Digest) -> Bool {
      store.size(of: digest) == nil && isOlder(path, than: Self.grace)
    }
    func remove(_ path: String, leadingTo digest: Digest) {
      if servesNobody(path, leadingTo: digest) { fileSystem.remove(path) }
    }
    for digest in store.blobLinks(in: repository) { remove(layout.blobLink(digest, in: repository), leadingTo: digest) }
    for digest in store.manifestLinks(in: repository) {
      remove(layout.manifest(digest, in: repository), leadingTo: digest)
    }
    // A tag without its manifest is no answer, however stale it may be.
    for record in store.tagRecords(in: repository) {
      guard let digest = record.digest, servesNobody(record.path, leadingTo: digest) else { continue }
      store.removeTagRecord(at: record.path)
    }
  }
}
