internal import Glibc
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// The records of a tag for one exact set of types, as every reader of tags sees them.
struct ExactRecordTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let repository: UpstreamRepository
  private let tag: TagName
  private let manifest: Digest
  private let path: String

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    repository = try Values.repository("r.test", "o/a")
    tag = try Values.tag("v1")
    manifest = try StoredImages(store: store).addManifest(of: [], to: repository)
    let variant = TagVariant.exactly(try Values.digest(of: "types"))
    let type = try Values.mediaType("application/vnd.oci.image.manifest.v1+json")
    let record = TagRecord(digest: manifest, mediaType: type, size: 13, checkedAt: 1, etag: nil)
    try store.keep(record, of: tag, variant, in: repository)
    path = store.layout.tag(tag, variant, in: repository)
    #expect(try store.tag(tag, variant, in: repository) == record)
    #expect(try store.tag(tag, in: repository) == nil)
  }

  private var exists: Bool { store.fileSystem.size(of: path) != nil }

  @Test func `the image is listed with its tag`() {
    let images = StoreInventory(store).images()
    #expect(images.map(\.digest) == [manifest])
    #expect(images.first?.tags == [tag])
    #expect(images.first?.repository == repository)
  }

  @Test(arguments: ["r.test/o/a:v1", "r.test/o/a", "r.test/o/a@", "@"])
  func `the record is removed with its tag, its repository and its manifest`(_ name: String) throws {
    let name = name == "@" ? manifest.description : name.hasSuffix("@") ? "\(name)\(manifest)" : name
    let removal = StoreRemoval(store)
    let plan = removal.plan(try #require(StoreRemoval.Target(name)))
    #expect(plan.tags == [path])
    #expect(plan.blobs == [manifest])
    removal.carryOut(plan)
    #expect(!exists)
    #expect(!directory.exists(FileSystem.parent(of: path)))
    #expect(store.size(of: manifest) == nil)
  }

  @Test func `the record is garbage once its manifest is evicted, and stays while the manifest is stored`() {
    let now = Int64(time(nil))
    GarbageCollector(store, now: now + 4000).collectGarbage()
    #expect(exists)
    store.fileSystem.remove(store.layout.blob(manifest))
    GarbageCollector(store, now: now + 3000).collectGarbage()
    #expect(exists)
    GarbageCollector(store, now: now + 4000).collectGarbage()
    #expect(!exists)
    #expect(!directory.exists(FileSystem.parent(of: path)))
  }

  @Test func `an unreadable record is found and moved to quarantine`() throws {
    var verification = StoreVerification(store)
    #expect(verification.run() == [])
    try directory.write(Array("{".utf8), to: path)
    let findings = verification.run()
    #expect(findings.map { "\(store.layout.root)/\($0.path)" } == [path])
    for finding in findings { #expect(try verification.repair(finding, now: 7) == .moved) }
    #expect(!exists)
  }
}
