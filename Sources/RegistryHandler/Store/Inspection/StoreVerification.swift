internal import SystemPackage

/// Looks at everything in the store for what cannot be right: bytes that are not what their name says, and what cannot be
/// read. Safe beside workers that serve from it.
package struct StoreVerification: Sendable {
  /// Something that is not right.
  package struct Finding: Encodable, Equatable, Sendable {
    /// Below the store's directory.
    package let path: String
    /// A sentence without the final stop.
    package let problem: String
    fileprivate let subject: Subject

    private enum CodingKeys: CodingKey { case path, problem }
  }

  /// What a file should be.
  fileprivate enum Subject: Equatable, Sendable {
    case blob(Digest)
    /// A file among the blobs whose name is no digest.
    case stranger
    case tag
    case manifest(Digest, UpstreamRepository)
  }

  /// What became of a finding.
  package enum Repair: Equatable, Sendable {
    case moved
    /// A worker has put it right since, or it has gone.
    case needless
  }

  /// Of the longest name that a file may have, in bytes, without the time before it.
  private static let maximumQuarantineName = 200

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
      findings += finding(.blob(blob.digest), at: store.layout.blob(blob.digest))
      progress.done += blob.size
      report(progress)
    }
    store.forEachRepository { findings += records(of: $0) }
    return findings
  }

  /// Moves a file out of the way, so that it is fetched again; it can be looked at in `quarantine/`. What was found may be long
  /// ago: it is looked at once more. Blocks.
  package func repair(_ finding: Finding, now: Int64) throws(FileError) -> Repair {
    let source = "\(store.layout.root)/\(finding.path)"
    guard problem(of: finding.subject, at: source) != nil else { return .needless }
    let name = String(finding.path.map { $0 == "/" ? "-" : $0 }.suffix(Self.maximumQuarantineName))
    let size = store.fileSystem.size(of: source) ?? 0
    try store.fileSystem.promote(source, to: "\(store.layout.quarantine)/\(now)-\(name)")
    if case .blob = finding.subject { store.usage.add(-StoreUsage.taken(by: size)) }
    return .moved
  }

  /// None, or one.
  private func finding(_ subject: Subject, at path: String) -> [Finding] {
    problem(of: subject, at: path).map {
      [Finding(path: String(path.dropFirst(store.layout.root.count + 1)), problem: $0, subject: subject)]
    } ?? []
  }

  /// What is wrong with a file; `nil` when nothing is, or it is not there: it may have gone at any time.
  private func problem(of subject: Subject, at path: String) -> String? {
    guard store.fileSystem.size(of: path) != nil else { return nil }
    switch subject {
    case .blob(let digest): return problem(of: digest)
    case .stranger: return "the name is no digest in its place"
    case .tag: return store.digest(ofTagAt: path) == nil ? "the record of a tag cannot be read" : nil
    case .manifest(let digest, let repository):
      return store.hasReadableRecord(of: digest, in: repository) ? nil : "the record of a manifest cannot be read"
    }
  }

  private func problem(of digest: Digest) -> String? {
    do throws(FileError) {
      let file = try OpenFile(reading: store.layout.blob(digest))
      let hash = try ContentHasher(digest.algorithm, ofFirst: file.size(), in: file)
      return hash.hex() == digest.hex ? nil : "the bytes are not those of \(digest)"
    } catch {
      // Evicted meanwhile.
      return error.errno == .noSuchFileOrDirectory ? nil : error.description
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
          if !isBlob { findings += finding(.stranger, at: "\(top)/\(directory)/\(name)") }
        }
      }
    }
    return findings
  }

  private func records(of repository: UpstreamRepository) -> [Finding] {
    var findings: [Finding] = []
    for record in store.tagRecordPaths(in: repository) { findings += finding(.tag, at: record.path) }
    for digest in store.manifestLinks(in: repository) {
      findings += finding(.manifest(digest, repository), at: store.layout.manifest(digest, in: repository))
    }
    return findings
  }
}
