internal import Testing

@testable internal import RegistryHandler

struct StoreManifestTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let place: RepositoryPlace
  private let manifest: StoredManifest
  private let tag: ImageTag

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    place = try Values.place("r.test", "o/a")
    tag = try Values.tag("v1")
    manifest = StoredManifest(
      digest: try Values.digest(of: "{}"),
      mediaType: try Values.mediaType("application/vnd.oci.image.manifest.v1+json"),
      bytes: Array("{}".utf8)
    )
  }

  private func record(checkedAt: Int64 = 1_700_000_000, etag: String? = nil) -> TagRecord {
    TagRecord(
      digest: manifest.digest,
      mediaType: manifest.mediaType,
      size: 2,
      checkedAt: checkedAt,
      etag: etag
    )
  }

  @Test func `a manifest comes back as it was kept, in its repository only`() throws {
    #expect(try store.manifest(manifest.digest, in: place) == nil)
    try store.keep(manifest, in: place)
    try store.keep(manifest, in: place)
    #expect(try store.manifest(manifest.digest, in: place) == manifest)
    #expect(try store.manifest(manifest.digest, in: Values.place("r.test", "o/b")) == nil)
    #expect(try store.manifest(manifest.digest, in: Values.place("q.test", "o/a")) == nil)
  }

  @Test func `a manifest without its bytes is none`() throws {
    try store.keep(manifest, in: place)
    store.fileSystem.remove(store.layout.blob(manifest.digest))
    #expect(try store.manifest(manifest.digest, in: place) == nil)
  }

  @Test func `the media type that upstream said last is kept`() throws {
    try store.keep(manifest, in: place)
    let other = StoredManifest(
      digest: manifest.digest,
      mediaType: try Values.mediaType("application/vnd.oci.image.index.v1+json"),
      bytes: manifest.bytes
    )
    try store.keep(other, in: place)
    #expect(try store.manifest(manifest.digest, in: place) == other)
  }

  @Test(arguments: [nil, #"W/"x""#])
  func `a tag comes back as it was kept`(_ etag: String?) throws {
    #expect(try store.tag(tag, in: place) == nil)
    try store.keep(record(etag: etag), of: tag, in: place)
    #expect(try store.tag(tag, in: place) == record(etag: etag))
    #expect(try store.tag(Values.tag("v2"), in: place) == nil)
    #expect(try store.tag(tag, in: Values.place("r.test", "o/b")) == nil)
  }

  @Test func `a tag that moved is replaced`() throws {
    try store.keep(record(checkedAt: 1), of: tag, in: place)
    try store.keep(record(checkedAt: 2), of: tag, in: place)
    #expect(try store.tag(tag, in: place)?.checkedAt == 2)
    #expect(directory.files(below: store.layout.partials).isEmpty)
  }

  @Test(arguments: [
    "", "{", "{}", "null", "[]", #"{"digest":1}"#, "\0\0\0\0", #"{"digest":"sha256:0","mediaType":"a/b""#,
  ])
  func `a torn record or garbage reads as nothing`(_ text: String) throws {
    try store.keep(manifest, in: place)
    try directory.write(Array(text.utf8), to: store.layout.tag(tag, in: place))
    try directory.write(Array(text.utf8), to: store.layout.manifest(manifest.digest, in: place))
    #expect(try store.tag(tag, in: place) == nil)
    #expect(try store.manifest(manifest.digest, in: place) == nil)
    try store.keep(record(), of: tag, in: place)
    try store.keep(manifest, in: place)
    #expect(try store.tag(tag, in: place) == record())
    #expect(try store.manifest(manifest.digest, in: place) == manifest)
  }

  @Test func `a record without a usable media type reads as nothing`() throws {
    try store.keep(manifest, in: place)
    let path = store.layout.manifest(manifest.digest, in: place)
    try directory.write(Array(#"{"mediaType":"text/html\r\nX: 1"}"#.utf8), to: path)
    #expect(try store.manifest(manifest.digest, in: place) == nil)
  }

  @Test func `writers of the same tag never leave a torn record`() async throws {
    try store.keep(record(), of: tag, in: place)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask { try store.keep(record(checkedAt: Int64(number)), of: tag, in: place) }
        group.addTask { _ = try #require(try store.tag(tag, in: place)) }
      }
      try await group.waitForAll()
    }
  }
}
