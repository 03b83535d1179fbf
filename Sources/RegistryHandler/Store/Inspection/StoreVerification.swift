internal import SystemPackage

/// The search of the whole store for corrupt files: blobs that do not match their digest, and unreadable records. Safe
/// while workers serve from the store.
package struct StoreVerification: Sendable {
  /// A corrupt file.
  package struct Finding: Encodable, Equatable, Sendable {
    /// The path below the store's directory.
    package let path: String
    /// The problem as a sentence without the final stop.
    package let problem: String
    fileprivate let subject: Subject

    private enum CodingKeys: CodingKey { case path, problem }
  }

  /// The kind of content that a file should have.
  fileprivate enum Subject: Equatable, Sendable {
    case blob(Digest)
    /// A file among the blobs whose path is not that of a blob.
    case stranger
    case tag
    case manifest(Digest, UpstreamRepository)
  }

  /// The result of a repair.
  package enum Repair: Equatable, Sendable {
    /// The file is in quarantine.
    case moved
    /// A worker has replaced the file since, or the file is gone.
    case needless
  }

  /// The length of the longest file name in quarantine without the time at its front.
  private static let maximumQuarantineName = 200

  /// The progress in bytes of blobs.
  package struct Progress: Equatable, Sendable {
    package var done: Int64 = 0
    package var total: Int64 = 0
  }

  package private(set) var progress = Progress()
  /// The number of blobs to verify.
  package private(set) var blobCount = 0
  private let store: Store

  package init(_ store: Store) { self.store = store }

  /// Verifies the whole store. Blocks until everything is read.
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

  /// Moves a file to `quarantine/`, where people can inspect it, so that it is fetched again. Verifies the file once
  /// more, as the finding may be old. Blocks.
  package func repair(_ finding: Finding, now: Int64) throws(FileError) -> Repair {
    let source = "\(store.layout.root)/\(finding.path)"
    guard problem(of: finding.subject, at: source) != nil else { return .needless }
    let name = String(finding.path.map { $0 == "/" ? "-" : $0 }.suffix(Self.maximumQuarantineName))
    let size = store.fileSystem.size(of: source) ?? 0
    try store.fileSystem.promote(source, to: "\(store.layout.quarantine)/\(now)-\(name)")
    if case .blob = finding.subject { store.usage.add(-StoreUsage.taken(by: size)) }
    return .moved
  }

  /// The finding on a file; none when the file is right.
  private func finding(_ subject: Subject, at path: String) -> [Finding] {
    problem(of: subject, at: path).map {
      [Finding(path: String(path.dropFirst(store.layout.root.count + 1)), problem: $0, subject: subject)]
    } ?? []
  }

  /// The problem of a file; `nil` when the file is right, or does not exist: it may be removed at any time.
  private func problem(of subject: Subject, at path: String) -> String? {
    guard store.fileSystem.size(of: path) != nil else { return nil }
    switch subject {
    case .blob(let digest): return problem(of: digest)
    case .stranger: return "the name is not a digest, or is in the wrong directory"
    case .tag: return store.digest(ofTagAt: path) == nil ? "the record of the tag is unreadable" : nil
    case .manifest(let digest, let repository):
      return store.hasReadableRecord(of: digest, in: repository) ? nil : "the record of the manifest is unreadable"
    }
  }

  private func problem(of digest: Digest) -> String? {
    do throws(FileError) {
      let file = try OpenFile(reading: store.layout.blob(digest))
      let hash = try ContentHasher(digest.algorithm, ofFirst: file.size(), in: file)
      return hash.hex() == digest.hex ? nil : "the bytes do not match \(digest)"
    } catch {
      // The blob was evicted meanwhile.
      return error.errno == .noSuchFileOrDirectory ? nil : error.description
    }
  }

  /// The files among the blobs whose paths are not those of blobs.
  private func strangers() -> [Finding] {
    var findings: [Finding] = []
    store.forEachBlobFile { path, digest in
      if digest == nil { findings += finding(.stranger, at: path) }
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
