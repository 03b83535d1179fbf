/// Removes what serves nobody any more: links and records of blobs that have gone, and what was never finished.
package struct StoreCollector: Sendable {
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
  package func collect() {
    collectPartials()
    store.forEachPlace { collect($0) }
  }

  private func isOlder(_ path: String, than age: Int64) -> Bool {
    store.fileSystem.use(of: path).map { now - $0.lastChange > age } ?? false
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
      for name in names {
        let path = "\(directory)/\(name)"
        if name.hasSuffix(".json") {
          // A record is written before its download has begun, and goes after it.
          let isAlone = !names.contains(String(name.dropLast(".json".count)))
          if isAlone, isOlder(path, than: Self.grace) { store.fileSystem.remove(path) }
        } else if let digest = Digest(algorithm: algorithm, hex: name), isOlder(path, than: Self.partialLife),
          case .mine(let partial)? = try? PartialFile.claim(digest, in: store)
        {
          partial.discard()
        }
      }
    }
  }

  private func collect(_ place: RepositoryPlace) {
    let (layout, fileSystem) = (store.layout, store.fileSystem)
    var paths = store.blobLinks(in: place).filter { store.size(of: $0) == nil }.map { layout.blobLink($0, in: place) }
    paths += store.manifestLinks(in: place).filter { store.size(of: $0) == nil }.map { layout.manifest($0, in: place) }
    for directory in [layout.tags(in: place), "\(layout.tags(in: place))/single"] {
      for name in fileSystem.entries(of: directory) where name.hasSuffix(".json") {
        let path = "\(directory)/\(name)"
        // A tag without its manifest is no answer, however stale it may be.
        if let digest = store.digest(ofTagAt: path), store.size(of: digest) == nil { paths.append(path) }
      }
    }
    for path in paths where isOlder(path, than: Self.grace) { fileSystem.remove(path) }
  }
}
