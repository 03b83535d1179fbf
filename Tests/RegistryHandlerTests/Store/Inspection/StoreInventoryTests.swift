internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct StoreInventoryTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let images: StoredImages
  private let app: UpstreamRepository
  private let other: UpstreamRepository

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    images = StoredImages(store: store)
    app = try Values.repository("a.test", "team/app")
    other = try Values.repository("b.test", "other")
  }

  @Test func `a manifest is an image if a tag or no index names it, and its stored parts count`() throws {
    let layer = try images.addBlob("x", size: 5000, to: app)
    let absent = try Values.digest(of: "absent")
    let child = try images.addManifest(of: [layer, absent], to: app)
    let index = try images.addIndex(of: [child, try Values.digest(of: "other platform")], to: app, tags: ["b", "a"])
    let alone = try images.addManifest(of: [layer], to: app)
    let times: [(Digest, Int64)] = [(child, 2000), (index, 1000), (alone, 3000), (layer, 9000)]
    for (digest, time) in times { store.fileSystem.setAccessTime(of: store.layout.blob(digest), to: time) }
    _ = try images.addManifest(of: [], to: other, tags: ["c"])

    let found = StoreInventory(store).images { $0 == app }
    #expect(found.map(\.digest) == [alone, index])
    #expect(found.map(\.tagList) == ["", "a,b"])
    let sizes = try [child, index, alone].map { try #require(store.size(of: $0)) }
    #expect(found.map(\.size) == [sizes[2] + 5000, sizes[0] + sizes[1] + 5000])
    #expect(found.map(\.accessTime) == [3000, 2000])
    #expect(StoreInventory(store).images().map(\.repository) == [app, app, other])
  }

  @Test func `a manifest that both an index and a tag name is an image`() throws {
    let child = try images.addManifest(of: [], to: app, tags: ["single"])
    let index = try images.addIndex(of: [child], to: app)
    #expect(Set(StoreInventory(store).images().map(\.digest)) == [child, index])
  }

  @Test func `a shared blob counts for each repository, and once in the total`() throws {
    for repository in [app, other, try Values.repository("a.test", "more")] {
      try images.addBlob("x", size: 5000, to: repository)
    }
    try images.addBlob("y", size: 1, to: app)
    try store.fileSystem.writeNew([1], to: store.layout.partial(try Values.digest(of: "partial")))
    try store.fileSystem.writeNew([1], to: store.layout.partialRecord(try Values.digest(of: "partial")))
    try store.fileSystem.writeNew([1], to: "\(store.layout.quarantine)/1-x")
    let report = StoreInventory(store).report()
    #expect(report.repositories[app] == StoreInventory.Usage(blobs: 2, bytes: 3 * 4096))
    #expect(report.upstreams[app.upstream] == StoreInventory.Usage(blobs: 2, bytes: 3 * 4096))
    #expect(report.upstreams[other.upstream] == StoreInventory.Usage(blobs: 1, bytes: 2 * 4096))
    #expect(report.total == StoreInventory.Usage(blobs: 2, bytes: 3 * 4096))
    #expect(report.partials == StoreInventory.Usage(blobs: 1, bytes: 4096))
    #expect(report.quarantine == StoreInventory.Usage(blobs: 1, bytes: 4096))
  }
}
