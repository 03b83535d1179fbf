internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

struct StoreManifestTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let repository: UpstreamRepository
  private let manifest: StoredManifest
  private let tag: TagName

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    repository = try Values.repository("r.test", "o/a")
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

  /// A manifest as the store serves it, its bytes read.
  private func served(_ digest: Digest) throws -> StoredManifest? {
    guard let manifest = try store.manifest(digest, in: repository) else { return nil }
    var bytes: [UInt8] = []
    switch manifest.content {
    case .bytes(let content): bytes = content
    case .file(let file): bytes = try store.fileSystem.read(file, upTo: Store.maximumManifestSize) ?? []
    }
    #expect(manifest.size == Int64(bytes.count))
    return StoredManifest(digest: manifest.digest, mediaType: manifest.mediaType, bytes: bytes)
  }

  @Test func `a manifest is returned as it was stored, in its repository only`() throws {
    #expect(try store.manifest(manifest.digest, in: repository) == nil)
    try store.keep(manifest, in: repository)
    try store.keep(manifest, in: repository)
    #expect(try served(manifest.digest) == manifest)
    #expect(try store.manifest(manifest.digest, in: Values.repository("r.test", "o/b")) == nil)
    #expect(try store.manifest(manifest.digest, in: Values.repository("q.test", "o/a")) == nil)
  }

  @Test(
    arguments: [
      (0, true), (8 << 10, true), ((8 << 10) + 1, true), (64 << 10, true), ((64 << 10) + 1, false), (4 << 20, false),
    ]
  )
  func `a large manifest is served from its file, and a small manifest from memory`(_ size: Int, _ isInMemory: Bool)
    throws
  {
    let bytes = [UInt8](repeating: 0x20, count: size)
    let large = StoredManifest(digest: try Values.digest(of: bytes), mediaType: manifest.mediaType, bytes: bytes)
    try store.keep(large, in: repository)
    #expect(try served(large.digest) == large)
    guard case .bytes? = try store.manifest(large.digest, in: repository)?.content else {
      #expect(!isInMemory)
      return
    }
    #expect(isInMemory)
  }

  @Test func `a file that is larger than any manifest is an error`() throws {
    try store.keep(manifest, in: repository)
    try directory.write([UInt8](repeating: 0x20, count: (4 << 20) + 1), to: store.layout.blob(manifest.digest))
    #expect(throws: FileError.self) { try store.manifest(manifest.digest, in: repository) }
  }

  @Test func `a manifest without its bytes is not found`() throws {
    try store.keep(manifest, in: repository)
    store.fileSystem.remove(store.layout.blob(manifest.digest))
    #expect(try store.manifest(manifest.digest, in: repository) == nil)
  }

  @Test func `the media type that upstream sent last is stored`() throws {
    try store.keep(manifest, in: repository)
    let other = StoredManifest(
      digest: manifest.digest,
      mediaType: try Values.mediaType("application/vnd.oci.image.index.v1+json"),
      bytes: manifest.bytes
    )
    try store.keep(other, in: repository)
    #expect(try served(manifest.digest) == other)
  }

  @Test(arguments: [nil, #"W/"x""#])
  func `a tag is returned as it was stored`(_ etag: String?) throws {
    #expect(try store.tag(tag, in: repository) == nil)
    try store.keep(record(etag: etag), of: tag, in: repository)
    #expect(try store.tag(tag, in: repository) == record(etag: etag))
    #expect(try store.tag(Values.tag("v2"), in: repository) == nil)
    #expect(try store.tag(tag, in: Values.repository("r.test", "o/b")) == nil)
  }

  @Test func `a tag that moved replaces its record`() throws {
    try store.keep(record(checkedAt: 1), of: tag, in: repository)
    try store.keep(record(checkedAt: 2), of: tag, in: repository)
    #expect(try store.tag(tag, in: repository)?.checkedAt == 2)
    #expect(directory.files(below: store.layout.partials).isEmpty)
  }

  @Test(arguments: [
    "", "{", "{}", "null", "[]", #"{"digest":1}"#, "\0\0\0\0", #"{"digest":"sha256:0","mediaType":"a/b""#,
  ])
  func `a torn or corrupt record is not found, and is replaced`(_ text: String) throws {
    try store.keep(manifest, in: repository)
    try directory.write(Array(text.utf8), to: store.layout.tag(tag, in: repository))
    try directory.write(Array(text.utf8), to: store.layout.manifest(manifest.digest, in: repository))
    #expect(try store.tag(tag, in: repository) == nil)
    #expect(try store.manifest(manifest.digest, in: repository) == nil)
    try store.keep(record(), of: tag, in: repository)
    try store.keep(manifest, in: repository)
    #expect(try store.tag(tag, in: repository) == record())
    #expect(try served(manifest.digest) == manifest)
  }

  @Test func `a record without a valid media type is not found`() throws {
    try store.keep(manifest, in: repository)
    let path = store.layout.manifest(manifest.digest, in: repository)
    try directory.write(Array(#"{"mediaType":"text/html\r\nX: 1"}"#.utf8), to: path)
    #expect(try store.manifest(manifest.digest, in: repository) == nil)
  }

  @Test func `writers of the same tag never leave a torn record`() async throws {
    try store.keep(record(), of: tag, in: repository)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<20 {
        group.addTask { try store.keep(record(checkedAt: Int64(number)), of: tag, in: repository) }
        group.addTask { _ = try #require(try store.tag(tag, in: repository)) }
      }
      try await group.waitForAll()
    }
  }
}
