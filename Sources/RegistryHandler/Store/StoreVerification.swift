/// Looks at everything in the store for what cannot be right: bytes that are not what their name says, and what cannot be
/// read. Safe beside workers that serve from it.
package struct StoreVerification: Sendable {
  /// Something that is not right.
  package struct Finding: Codable, Equatable, Sendable {
    /// Below the store's directory.
    package let path: String
    /// A sentence without the final stop.
    package let problem: String
  }

  /// How far it is, in bytes of blobs.
  package struct Progress: Equatable, Sendable {
    package var done: Int64 = 0
    package var total: Int64 = 0
  }

  package private(set) var progress = Progress()
  /// How many blobs were looked at.
  package private(set) var blobCount = 0
  private let store: Store

  package init(_ store: Store) { self.store = store }

  /// Blocks as long as it takes to read everything.
  /// - Parameter report: called after every blob.
  package mutating func run(_ report: (Progress) -> Void = { _ in }) -> [Finding] {
    var blobs: [(digest: Digest, size: Int64)] = []
    store.forEachBlob { blobs.append(($0, $1.size)) }
    progress = Progress(done: 0, total: blobs.reduce(0) { $0 + $1.size })
    blobCount = blobs.count
    var findings = strangers()
    for blob in blobs {
      if let finding = check(blob.digest) { findings.append(finding) }
      progress.done += blob.size
      report(progress)
    }
    store.forEachPlace { findings += records(of: $0) }
    return findings
  }

  /// Moves a file out of the way, so that it is fetched again; it can be looked at in `quarantine/`. Blocks.
  package func repair(_ finding: Finding, now: Int64) throws(StoreError) {
    let name = String(finding.path.map { $0 == "/" ? "-" : $0 })
    let source = "\(store.layout.root)/\(finding.path)"
    let size = finding.path.hasPrefix("blobs/") ? store.fileSystem.size(of: source) ?? 0 : 0
    try store.fileSystem.promote(source, to: "\(store.layout.quarantine)/\(now)-\(name)")
    store.usage.add(-StoreUsage.taken(by: size))
  }

  private func finding(_ path: String, _ problem: String) -> Finding {
    Finding(path: String(path.dropFirst(store.layout.root.count + 1)), problem: problem)
  }

  private func check(_ digest: Digest) -> Finding? {
    let path = store.layout.blob(digest)
    // Evicted meanwhile.
    guard let file = store.open(digest) else {
      return store.size(of: digest) == nil ? nil : finding(path, "the file cannot be opened")
    }
    do {
      let hash = try RunningHash(digest.algorithm, ofFirst: file.size(), in: file)
      return hash.hex() == digest.hex ? nil : finding(path, "the bytes are not those of \(digest)")
    } catch {
      return finding(path, error.description)
    }
  }

  /// Files among the blobs whose names are no digests.
  private func strangers() -> [Finding] {
    var findings: [Finding] = []
    for algorithm in Digest.Algorithm.allCases {
      let top = "\(store.layout.blobs)/\(algorithm.rawValue)"
      for directory in store.fileSystem.entries(of: top) {
        for name in store.fileSystem.entries(of: "\(top)/\(directory)") {
          let isBlob = Digest(algorithm: algorithm, hex: name) != nil && directory == name.prefix(2)
          if !isBlob { findings.append(finding("\(top)/\(directory)/\(name)", "the name is no digest in its place")) }
        }
      }
    }
    return findings
  }

  private func records(of place: RepositoryPlace) -> [Finding] {
    var findings: [Finding] = []
    for directory in [store.layout.tags(in: place), "\(store.layout.tags(in: place))/single"] {
      for name in store.fileSystem.entries(of: directory) where name.hasSuffix(".json") {
        let path = "\(directory)/\(name)"
        if store.digest(ofTagAt: path) == nil, store.fileSystem.size(of: path) != nil {
          findings.append(finding(path, "the record of a tag cannot be read"))
        }
      }
    }
    for digest in store.manifestLinks(in: place) {
      let path = store.layout.manifest(digest, in: place)
      if store.fileSystem.size(of: path) != nil, !store.hasReadableRecord(of: digest, in: place) {
        findings.append(finding(path, "the record of a manifest cannot be read"))
      }
    }
    return findings
  }
}
