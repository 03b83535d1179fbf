/// The removal of garbage: links and records of evicted blobs, and partial downloads that nobody resumed.
package struct GarbageCollector: Sendable {
  /// The time for which a partial download is left to be resumed, in seconds.
  package static let partialLife: Int64 = 7 * 86_400

  /// The age at which a file may be garbage, in seconds: a younger file may still be written, and the blob of a younger
  /// link may still come.
  package static let grace: Int64 = 3600

  /// The time without growth after which a download is abandoned, in seconds: one that stalls is ended sooner.
  package static let abandonment: Int64 = 180

  private let store: Store
  private let now: Int64

  /// - Parameter now: seconds since 1970.
  package init(_ store: Store, now: Int64) {
    self.store = store
    self.now = now
  }

  /// Removes all garbage. Blocks, long in a large store; requests are served meanwhile.
  package func collectGarbage() {
    collectPartials()
    store.forEachRepository { collect($0) }
  }

  /// The part of a blob that an abandoned download has left.
  package struct AbandonedPartial: Sendable {
    let digest: Digest
    let modificationTime: Int64
    /// The space on the disk in bytes.
    let taken: Int64
  }

  /// The partial files that have not grown for a time, the oldest first. Blocks.
  /// - Parameter age: the time in seconds.
  package func partials(unchangedFor age: Int64) -> [AbandonedPartial] {
    var partials: [AbandonedPartial] = []
    store.forEachPartial { digest, status in
      guard now - status.modificationTime > age else { return }
      let taken = StoreUsage.taken(by: status.size)
      partials.append(AbandonedPartial(digest: digest, modificationTime: status.modificationTime, taken: taken))
    }
    return partials.sorted { $0.modificationTime < $1.modificationTime }
  }

  /// Removes a partial file unless a download has resumed it. Blocks.
  /// - Returns: true if the file is removed.
  @discardableResult
  package func discard(_ partial: AbandonedPartial) -> Bool {
    guard case .mine(let file)? = try? PartialFile.claim(partial.digest, in: store) else { return false }
    file.discard()
    return true
  }

  private func isOlder(_ path: String, than age: Int64) -> Bool {
    store.fileSystem.status(of: path).map { now - $0.modificationTime > age } ?? false
  }

  private func removeAfterGrace(_ path: String) {
    if isOlder(path, than: Self.grace) { store.fileSystem.remove(path) }
  }

  private func collectPartials() {
    let partials = store.layout.partials
    for name in store.fileSystem.entries(of: partials) where StoreLayout.isTemporary(name) {
      removeAfterGrace("\(partials)/\(name)")
    }
    for directory in store.digestDirectories(in: partials) {
      let names = Set(directory.names)
      for name in names {
        // A record is written before its download has begun, and is removed with it.
        guard let partial = StoreLayout.recordName(name), !names.contains(partial) else { continue }
        removeAfterGrace("\(directory.path)/\(name)")
      }
    }
    for partial in self.partials(unchangedFor: Self.partialLife) { discard(partial) }
  }

  private func collect(_ repository: UpstreamRepository) {
    let layout = store.layout
    for digest in store.blobLinks(in: repository) where isEvicted(digest) {
      removeAfterGrace(layout.blobLink(digest, in: repository))
    }
    for digest in store.manifestLinks(in: repository) where isEvicted(digest) {
      removeAfterGrace(layout.manifest(digest, in: repository))
    }
    // A tag without its manifest cannot be served, however stale a tag may be.
    for record in store.tagRecords(in: repository) {
      guard let digest = record.digest, isEvicted(digest), isOlder(record.path, than: Self.grace) else { continue }
      store.removeTagRecord(at: record.path)
    }
  }

  private func isEvicted(_ digest: Digest) -> Bool { store.size(of: digest) == nil }
}
