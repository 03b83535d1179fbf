internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct StoreVerificationTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let repository: UpstreamRepository

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    repository = try Values.repository("r.test", "a/b")
  }

  private func write(_ text: String, to path: String) throws {
    store.fileSystem.remove(path)
    try store.fileSystem.writeNew(Array(text.utf8), to: path)
  }

  /// Adds a manifest with its records, as if upstream had proved it.
  private func addManifest() throws -> Digest {
    let bytes = Array(#"{"schemaVersion":2}"#.utf8)
    let digest = try Values.digest(of: bytes)
    let type = try #require(MediaType("application/vnd.oci.image.manifest.v1+json"))
    try store.keep(StoredManifest(digest: digest, mediaType: type, bytes: bytes), in: repository)
    let record = TagRecord(digest: digest, mediaType: type, size: 19, checkedAt: 1, etag: nil)
    try store.keep(record, of: try #require(TagName("v1")), in: repository)
    return digest
  }

  @Test func `correct content has no finding`() throws {
    _ = try addManifest()
    try store.keep([1, 2, 3], as: try Values.digest(of: [1, 2, 3]))
    var verification = StoreVerification(store)
    var last = StoreVerification.Progress()
    #expect(verification.run { last = $0 } == [])
    #expect(verification.blobCount == 2)
    #expect(last == StoreVerification.Progress(done: 22, total: 22))
  }

  @Test func `corrupt files are found and moved to quarantine, and then not found again`() throws {
    let manifest = try addManifest()
    try store.usage.set(10 * 4096, before: nil)
    let other = try Values.digest(of: "other")
    let paths = [
      store.layout.blob(manifest), "\(store.layout.blobs)/sha256/zz/readme",
      "\(store.layout.blobs)/sha256/00/\(other.hex)", store.layout.tag(try #require(TagName("v1")), in: repository),
      store.layout.manifest(manifest, in: repository),
    ]
    for path in paths { try write("{", to: path) }
    var verification = StoreVerification(store)
    let findings = verification.run()
    #expect(Set(findings.map { "\(store.layout.root)/\($0.path)" }) == Set(paths))
    #expect(findings.count == paths.count)
    for finding in findings { #expect(try verification.repair(finding, now: 7) == .moved) }
    #expect(paths.allSatisfy { store.fileSystem.size(of: $0) == nil })
    let quarantined = store.fileSystem.entries(of: store.layout.quarantine)
    #expect(quarantined.count == paths.count)
    #expect(quarantined.contains("7-blobs-sha256-\(manifest.hex.prefix(2))-\(manifest.hex)"))
    // Files that are not blobs were never counted.
    #expect(store.usage.total == Int64(9 * 4096))
    #expect(verification.run() == [])
  }

  @Test func `a file that was replaced since the finding stays`() throws {
    let manifest = try addManifest()
    let (blob, tag) = (store.layout.blob(manifest), store.layout.tag(try Values.tag("v1"), in: repository))
    for path in [blob, tag] { try write("{", to: path) }
    var verification = StoreVerification(store)
    let findings = verification.run()
    #expect(findings.count == 2)
    store.fileSystem.remove(blob)
    _ = try addManifest()
    for finding in findings { #expect(try verification.repair(finding, now: 7) == .needless) }
    #expect(store.size(of: manifest) == 19 && store.digest(ofTagAt: tag) == manifest)
    #expect(store.fileSystem.entries(of: store.layout.quarantine).isEmpty)
  }

  @Test func `a file of a repository with a long name can be moved to quarantine`() throws {
    let long = try Values.repository("r.test", String(repeating: "long/", count: 40) + "name")
    let digest = try Values.digest(of: "x")
    let path = store.layout.manifest(digest, in: long)
    try write("{", to: path)
    var verification = StoreVerification(store)
    let finding = try #require(verification.run().first)
    #expect(try verification.repair(finding, now: 7) == .moved)
    #expect(store.fileSystem.size(of: path) == nil)
  }
}
