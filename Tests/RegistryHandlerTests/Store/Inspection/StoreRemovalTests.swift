internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct StoreRemovalTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let images: StoredImages
  private let app: UpstreamRepository
  private let other: UpstreamRepository

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    images = StoredImages(store: store)
    app = try Values.repository("r.test:5000", "team/app")
    other = try Values.repository("r.test:5000", "other")
    try store.usage.set(0, before: nil)
  }

  private func remove(_ name: String) throws -> StoreRemoval.Plan {
    let removal = StoreRemoval(store)
    let plan = removal.plan(try #require(StoreRemoval.Target(name)))
    removal.carryOut(plan)
    return plan
  }

  private func isHere(_ digest: Digest) -> Bool { store.size(of: digest) != nil }

  @Test func `listed names are parsed and other names are rejected`() throws {
    let digest = try Values.digest(of: "x")
    let expected: [(String, StoreRemoval.Target?)] = [
      ("r.test:5000/team/app", .repository(app)),
      ("r.test:5000/team/app:v1", .tag(app, try Values.tag("v1"))),
      ("r.test:5000/team/app@\(digest)", .content(app, digest)),
      ("r.test:5000/team/app:v1@\(digest)", .content(app, digest)),
      (digest.description, .blob(digest)),
      ("alpine", nil), ("r.test/", nil), ("r.test/app:", nil), ("r.test/app@v1", nil), ("r.test/../x", nil),
      ("r.test/app@\(digest)@\(digest)", nil), ("", nil), ("sha256:12", nil),
    ]
    for (text, target) in expected { #expect(StoreRemoval.Target(text) == target, "\(text)") }
  }

  @Test func `a tag is removed with the content that only its image needs`() throws {
    let shared = try images.addBlob("s", size: 10, to: app)
    let own = try images.addBlob("o", size: 10, to: app)
    let elsewhere = try images.addBlob("e", size: 10, to: app)
    try images.addBlob("e", size: 10, to: other)
    let first = try images.addManifest(of: [shared, own, elsewhere], to: app)
    let index = try images.addIndex(of: [first], to: app, tags: ["v1"])
    let second = try images.addManifest(of: [shared], to: app, tags: ["v2"])
    let before = try #require(store.usage.total)

    let plan = try remove("r.test:5000/team/app:v1")
    #expect(plan.tags.count == 1)
    #expect(Set(plan.blobs) == [own, first, index])
    #expect([own, first, index].allSatisfy { !isHere($0) })
    #expect([shared, elsewhere, second].allSatisfy { isHere($0) })
    #expect(!store.hasLink(to: elsewhere, in: app) && store.hasLink(to: elsewhere, in: other))
    #expect(store.hasLink(to: shared, in: app))
    #expect(try store.tag(Values.tag("v1"), in: app) == nil)
    #expect(try store.tag(Values.tag("v2"), in: app) != nil)
    #expect(store.usage.total == before - plan.bytes)
    #expect(plan.bytes == 3 * 4096)
    #expect(try remove("r.test:5000/team/app:v1").isEmpty)
  }

  @Test func `an image that another tag or an index names stays when a tag is removed`() throws {
    let child = try images.addManifest(of: [], to: app, tags: ["amd64"])
    let index = try images.addIndex(of: [child], to: app, tags: ["v1", "latest"])
    #expect(try remove("r.test:5000/team/app:v1").blobs.isEmpty)
    #expect(try remove("r.test:5000/team/app:amd64").blobs.isEmpty)
    #expect(isHere(index) && isHere(child))
    #expect(Set(try remove("r.test:5000/team/app:latest").blobs) == [child, index])
  }

  @Test func `the manifest for clients without an index stays while an index names it`() throws {
    let child = try images.addManifest(of: [], to: app)
    let index = try images.addIndex(of: [child], to: app, tags: ["v1", "latest"])
    let type = try Values.mediaType("application/vnd.oci.image.manifest.v1+json")
    let single = TagRecord(digest: child, mediaType: type, size: 13, checkedAt: 1, etag: nil)
    try store.keep(single, of: Values.tag("v1"), .single, in: app)
    let plan = try remove("r.test:5000/team/app:v1")
    #expect(plan.tags.count == 2 && plan.blobs.isEmpty && plan.links.isEmpty)
    #expect(isHere(index) && isHere(child))
    try store.keep(single, of: Values.tag("latest"), .single, in: app)
    #expect(Set(try remove("r.test:5000/team/app:latest").blobs) == [child, index])
  }

  @Test func `a manifest is removed with its tags, and a blob with its link`() throws {
    let layer = try images.addBlob("l", size: 10, to: app)
    let kept = try images.addBlob("k", size: 10, to: app)
    let manifest = try images.addManifest(of: [layer], to: app, tags: ["v1", "v2"])
    let plan = try remove("r.test:5000/team/app@\(manifest)")
    #expect(plan.tags.count == 2)
    #expect(Set(plan.blobs) == [layer, manifest])
    #expect(try remove("r.test:5000/team/app@\(kept)").blobs == [kept])
    #expect(try remove("r.test:5000/team/app@\(kept)").isEmpty)
  }

  @Test func `a repository is removed whole, and other repositories stay`() throws {
    let layer = try images.addBlob("l", size: 10, to: app)
    let shared = try images.addBlob("s", size: 10, to: app)
    try images.addBlob("s", size: 10, to: other)
    let manifest = try images.addManifest(of: [layer], to: app, tags: ["v1"])
    let below = try images.addBlob("b", size: 10, to: try Values.repository("r.test:5000", "team/app/below"))
    #expect(Set(try remove("r.test:5000/team/app").blobs) == [layer, manifest])
    #expect(isHere(shared) && isHere(below))
    #expect(store.blobLinks(in: app).isEmpty && store.manifestLinks(in: app).isEmpty)
  }

  @Test func `a digest without a repository is removed from all repositories`() throws {
    let layer = try images.addBlob("l", size: 10, to: app)
    try images.addBlob("l", size: 10, to: other)
    let plan = StoreRemoval(store).plan(.blob(layer))
    #expect(plan.links.count == 2)
    #expect(isHere(layer))
    #expect(try remove("\(layer)") == plan)
    #expect(!isHere(layer) && !store.hasLink(to: layer, in: app) && !store.hasLink(to: layer, in: other))
  }
}
