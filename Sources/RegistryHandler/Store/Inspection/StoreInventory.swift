/// What is in the store, for people. Safe beside workers that serve from it.
package struct StoreInventory: Sendable {
  /// An image or an index that a client can pull.
  package struct Image: Equatable, Sendable {
    package let repository: UpstreamRepository
    /// In their order.
    package let tags: [TagName]
    package let digest: Digest
    /// What is here of it, in bytes; what others share with it is counted, too.
    package let size: Int64
    /// When a manifest of it was served last, in seconds since 1970.
    package let accessTime: Int64
  }

  /// What some blobs take.
  package struct Usage: Equatable, Sendable {
    package var blobs = 0
    /// Of the disk: whole blocks.
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

  /// What everything takes. A blob that several have is counted for each of them, and once in the total.
  package struct Report: Equatable, Sendable {
    package var repositories: [UpstreamRepository: Usage] = [:]
    package var upstreams: [UpstreamName: Usage] = [:]
    package var total = Usage()
    /// Downloads under way, and what is left of others.
    package var partials = Usage()
    package var quarantine = Usage()
  }

  private let store: Store

  package init(_ store: Store) { self.store = store }

  /// The images, in the order of their names. Blocks, as long as it takes to read all manifests.
  /// - Parameter isWanted: whether a repository is looked at.
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
      let uses = reached.compactMap { part in
        store.fileSystem.status(of: store.layout.blob(part)).map { (part, $0) }
      }
      return Image(
        repository: repository,
        tags: (contents.tags[digest] ?? []).sorted { $0.description < $1.description },
        digest: digest,
        size: uses.reduce(0) { $0 + $1.1.size },
        accessTime: uses.filter { contents.manifests[$0.0] != nil }.map(\.1.accessTime).max() ?? 0
      )
    }
  }

  /// What everything takes. Blocks, long in a large store.
  package func report() -> Report {
    var report = Report()
    var sizes: [Digest: Int64] = [:]
    store.forEachBlob { digest, use in
      sizes[digest] = use.size
      report.total.add(use.size)
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
    let layout = store.layout
    for algorithm in Digest.Algorithm.allCases {
      add(filesIn: "\(layout.partials)/\(algorithm.rawValue)", to: &report.partials) {
        Digest(algorithm: algorithm, hex: $0) != nil
      }
    }
    add(filesIn: layout.quarantine, to: &report.quarantine) { _ in true }
    return report
  }

  private static func usage(of digests: Set<Digest>, _ sizes: [Digest: Int64]) -> Usage {
    var usage = Usage()
    for digest in digests {
      if let size = sizes[digest] { usage.add(size) }
    }
    return usage
  }

  private func add(filesIn directory: String, to usage: inout Usage, where isWanted: (String) -> Bool) {
    for name in store.fileSystem.entries(of: directory) where isWanted(name) {
      if let size = store.fileSystem.size(of: "\(directory)/\(name)") { usage.add(size) }
    }
  }
}

extension StoreInventory.Image {
  /// The tags as a list with commas.
  package var tagList: String { tags.map(\.description).joined(separator: ",") }
}
