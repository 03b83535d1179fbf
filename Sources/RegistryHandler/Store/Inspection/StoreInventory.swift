/// The contents of the store, for people. Safe while workers serve from the store.
package struct StoreInventory: Sendable {
  /// An image or an index that a client can pull.
  package struct Image: Equatable, Sendable {
    package let repository: UpstreamRepository
    /// The tags, sorted.
    package let tags: [TagName]
    package let digest: Digest
    /// The size of the stored parts in bytes, with those that other images share.
    package let size: Int64
    /// The last time that a manifest of the image was served, in seconds since 1970.
    package let accessTime: Int64
  }

  /// The number of some blobs and their space.
  package struct Usage: Equatable, Sendable {
    package var blobs = 0
    /// The space on the disk in bytes: whole blocks.
    package var bytes: Int64 = 0

    package init(blobs: Int = 0, bytes: Int64 = 0) {
      self.blobs = blobs
      self.bytes = bytes
    }

    mutating func add(_ size: Int64) {
      blobs += 1
      bytes += StoreUsage.taken(by: size)
    }
  }

  /// The space that the store takes. A blob of several repositories counts once for each, and once in the total.
  package struct Report: Equatable, Sendable {
    package var repositories: [UpstreamRepository: Usage] = [:]
    package var upstreams: [UpstreamName: Usage] = [:]
    package var total = Usage()
    /// The downloads that are under way or abandoned.
    package var partials = Usage()
    package var quarantine = Usage()
  }

  private let store: Store

  package init(_ store: Store) { self.store = store }

  /// The images, in the order of their names. Blocks until all manifests are read.
  /// - Parameter isWanted: returns whether to include a repository.
  package func images(where isWanted: (UpstreamRepository) -> Bool = { _ in true }) -> [Image] {
    var images: [Image] = []
    store.forEachRepository { repository in
      if isWanted(repository) { images += self.images(in: repository) }
    }
    return images.sorted {
      ($0.repository.description, $0.tagList, $0.digest.hex) < ($1.repository.description, $1.tagList, $1.digest.hex)
    }
  }

  private func images(in repository: UpstreamRepository) -> [Image] {
    let contents = RepositoryContents(repository, in: store)
    return contents.images.map { digest in
      let reached = contents.reachable(from: [digest])
      let statuses = reached.compactMap { part in
        store.fileSystem.status(of: store.layout.blob(part)).map { (part, $0) }
      }
      return Image(
        repository: repository,
        tags: (contents.tags[digest] ?? []).sorted { $0.description < $1.description },
        digest: digest,
        size: statuses.reduce(0) { $0 + $1.1.size },
        accessTime: statuses.filter { contents.manifests[$0.0] != nil }.map(\.1.accessTime).max() ?? 0
      )
    }
  }

  /// Adds up the space of everything. Blocks, long in a large store.
  package func report() -> Report {
    var report = Report()
    var sizes: [Digest: Int64] = [:]
    store.forEachBlob { digest, status in
      sizes[digest] = status.size
      report.total.add(status.size)
    }
    var ofUpstream: [UpstreamName: Set<Digest>] = [:]
    store.forEachRepository { repository in
      let linked = Set(store.blobLinks(in: repository) + store.manifestLinks(in: repository))
      let usage = Self.usage(of: linked, sizes)
      guard usage.blobs > 0 else { return }
      report.repositories[repository] = usage
      ofUpstream[repository.upstream, default: []].formUnion(linked)
    }
    report.upstreams = ofUpstream.mapValues { Self.usage(of: $0, sizes) }
    store.forEachPartial { report.partials.add($1.size) }
    let quarantine = store.layout.quarantine
    for name in store.fileSystem.entries(of: quarantine) {
      if let size = store.fileSystem.size(of: "\(quarantine)/\(name)") { report.quarantine.add(size) }
    }
    return report
  }

  private static func usage(of digests: Set<Digest>, _ sizes: [Digest: Int64]) -> Usage {
    var usage = Usage()
    for digest in digests {
      if let size = sizes[digest] { usage.add(size) }
    }
    return usage
  }
}

extension StoreInventory.Image {
  /// The tags, separated by commas.
  package var tagList: String { tags.map(\.description).joined(separator: ",") }
}
