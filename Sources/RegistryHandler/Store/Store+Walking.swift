extension Store {
  /// Calls for every verified blob. Blocks, long in a large store.
  package func forEachBlob(_ body: (Digest, FileStatus) -> Void) {
    for algorithm in Digest.Algorithm.allCases {
      let top = "\(layout.blobs)/\(algorithm.rawValue)"
      for directory in fileSystem.entries(of: top) {
        for name in fileSystem.entries(of: "\(top)/\(directory)") where name.hasPrefix(directory) {
          guard let digest = Digest(algorithm: algorithm, hex: name),
            let use = fileSystem.status(of: layout.blob(digest))
          else { continue }
          body(digest, use)
        }
      }
    }
  }

  /// Calls for every partial file. Blocks.
  package func forEachPartial(_ body: (Digest, FileStatus) -> Void) {
    for algorithm in Digest.Algorithm.allCases {
      for name in fileSystem.entries(of: "\(layout.partials)/\(algorithm.rawValue)") {
        guard let digest = Digest(algorithm: algorithm, hex: name),
          let use = fileSystem.status(of: layout.partial(digest))
        else { continue }
        body(digest, use)
      }
    }
  }

  /// Calls for every repository that something is known of. Blocks.
  package func forEachRepository(_ body: (UpstreamRepository) -> Void) {
    for name in fileSystem.entries(of: layout.repositories) {
      guard let upstream = UpstreamName(name) else { continue }
      walk(below: "", of: upstream, depth: 0, body)
    }
  }

  private func walk(
    below prefix: String,
    of upstream: UpstreamName,
    depth: Int,
    _ body: (UpstreamRepository) -> Void
  ) {
    // A name has at most 255 bytes, so that no honest tree is deeper.
    guard depth < 128 else { return }
    var isRepository = false
    for name in fileSystem.entries(of: "\(layout.repositories)/\(upstream)/\(prefix)") {
      // No component of a name begins with it.
      if name.hasPrefix("_") {
        isRepository = true
      } else {
        walk(below: prefix.isEmpty ? name : "\(prefix)/\(name)", of: upstream, depth: depth + 1, body)
      }
    }
    if isRepository, let name = RepositoryName(prefix) {
      body(UpstreamRepository(upstream: upstream, name: name))
    }
  }

  /// The blobs that upstream has proved for a repository, whether they are here or not. Blocks.
  package func blobLinks(in repository: UpstreamRepository) -> [Digest] {
    Digest.Algorithm.allCases.flatMap { algorithm in
      fileSystem.entries(of: "\(layout.blobLinks(in: repository))/\(algorithm.rawValue)")
        .compactMap { Digest(algorithm: algorithm, hex: $0) }
    }
  }

  /// The manifests that upstream has proved for a repository, whether they are here or not. Blocks.
  package func manifestLinks(in repository: UpstreamRepository) -> [Digest] {
    Digest.Algorithm.allCases.flatMap { algorithm in
      fileSystem.entries(of: "\(layout.manifests(in: repository))/\(algorithm.rawValue)")
        .filter { $0.hasSuffix(".json") }
        .compactMap { Digest(algorithm: algorithm, hex: String($0.dropLast(".json".count))) }
    }
  }
}
