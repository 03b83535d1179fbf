extension Store {
  /// A directory of files that are named after digests of one algorithm.
  struct DigestDirectory: Sendable {
    let algorithm: Digest.Algorithm
    let path: String
    /// The names in the directory, in no order.
    let names: [String]

    /// The digests that have a file.
    var digests: [Digest] { names.compactMap { digest(hex: $0) } }

    /// The digests that have a record.
    var recordedDigests: [Digest] { names.compactMap { StoreLayout.recordName($0).flatMap { digest(hex: $0) } } }

    func digest(hex: String) -> Digest? { Digest(algorithm: algorithm, hex: hex) }
  }

  /// The directories that a directory has for each algorithm. Blocks.
  func digestDirectories(in directory: String) -> [DigestDirectory] {
    Digest.Algorithm.allCases.map { algorithm in
      let path = "\(directory)/\(algorithm.rawValue)"
      return DigestDirectory(algorithm: algorithm, path: path, names: fileSystem.entries(of: path))
    }
  }

  /// Calls for every verified blob. Blocks, long in a large store.
  package func forEachBlob(_ body: (Digest, FileStatus) -> Void) {
    forEachBlobFile { path, digest in
      if let digest, let status = fileSystem.status(of: path) { body(digest, status) }
    }
  }

  /// Calls for every file among the blobs; the digest is `nil` when the path is not that of a blob. Blocks for long.
  func forEachBlobFile(_ body: (_ path: String, Digest?) -> Void) {
    for directory in digestDirectories(in: layout.blobs) {
      for shard in directory.names {
        let path = "\(directory.path)/\(shard)"
        for name in fileSystem.entries(of: path) {
          let digest = directory.digest(hex: name)
          body("\(path)/\(name)", digest.flatMap { StoreLayout.shard(of: $0) == shard ? $0 : nil })
        }
      }
    }
  }

  /// Calls for every partial file. Blocks.
  package func forEachPartial(_ body: (Digest, FileStatus) -> Void) {
    for digest in digestDirectories(in: layout.partials).flatMap(\.digests) {
      if let status = fileSystem.status(of: layout.partial(digest)) { body(digest, status) }
    }
  }

  /// Calls for every repository that the store has a record or a link of. Blocks.
  package func forEachRepository(_ body: (UpstreamRepository) -> Void) {
    for name in fileSystem.entries(of: layout.repositories) {
      guard let (upstream, access) = StoreLayout.upstream(ofDirectory: name) else { continue }
      walk(below: "", of: upstream, access, depth: 0, body)
    }
  }

  private func walk(
    below prefix: String,
    of upstream: UpstreamName,
    _ access: AccessMode,
    depth: Int,
    _ body: (UpstreamRepository) -> Void
  ) {
    // A name has at most 255 bytes, so that no tree of this proxy is deeper.
    guard depth < 128 else { return }
    var isRepository = false
    let directory = StoreLayout.directoryName(of: upstream, access)
    for name in fileSystem.entries(of: "\(layout.repositories)/\(directory)/\(prefix)") {
      // No component of a name begins with an underscore.
      if name.hasPrefix("_") {
        isRepository = true
      } else {
        walk(below: prefix.isEmpty ? name : "\(prefix)/\(name)", of: upstream, access, depth: depth + 1, body)
      }
    }
    if isRepository, let name = RepositoryName(prefix) {
      body(UpstreamRepository(upstream: upstream, name: name, access: access))
    }
  }

  /// The blobs that upstream has proved for a repository, stored or not. Blocks.
  package func blobLinks(in repository: UpstreamRepository) -> [Digest] {
    digestDirectories(in: layout.blobLinks(in: repository)).flatMap(\.digests)
  }

  /// The manifests that upstream has proved for a repository, stored or not. Blocks.
  package func manifestLinks(in repository: UpstreamRepository) -> [Digest] {
    digestDirectories(in: layout.manifests(in: repository)).flatMap(\.recordedDigests)
  }
}
