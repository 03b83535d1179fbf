internal import Glibc
internal import RegistryTestSupport
internal import SystemPackage
internal import Testing

@testable internal import RegistryHandler

struct GarbageCollectorTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let now = Int64(time(nil))

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
  }

  private func collect(after seconds: Int64) { GarbageCollector(store, now: now + seconds).collectGarbage() }

  @Test func `links and records of evicted blobs are garbage, and those of stored blobs stay`() throws {
    let repository = try Values.repository("r.test", "a/b/c")
    let bytes = Array(#"{"schemaVersion":2}"#.utf8)
    let (here, gone) = (try Values.digest(of: bytes), try Values.digest(of: "gone"))
    let type = try #require(MediaType("application/vnd.oci.image.manifest.v1+json"))
    for digest in [here, gone] {
      try store.link(digest, in: repository)
      try store.keep(StoredManifest(digest: digest, mediaType: type, bytes: bytes), in: repository)
    }
    for (name, digest) in [("here", here), ("gone", gone)] {
      let record = TagRecord(digest: digest, mediaType: type, size: 1, checkedAt: 1, etag: nil)
      for variant in [TagVariant.any, .single] {
        try store.keep(record, of: try #require(TagName(name)), variant, in: repository)
      }
    }
    store.fileSystem.remove(store.layout.blob(gone))
    // The blob of a young link may still come.
    collect(after: 3000)
    #expect(Set(store.blobLinks(in: repository)) == [here, gone])
    collect(after: 4000)
    #expect(store.blobLinks(in: repository) == [here])
    #expect(store.manifestLinks(in: repository) == [here])
    for variant in [TagVariant.any, .single] {
      #expect(try store.tag(try #require(TagName("here")), variant, in: repository) != nil)
      #expect(try store.tag(try #require(TagName("gone")), variant, in: repository) == nil)
    }
    #expect(store.size(of: here) != nil)
  }

  @Test func `an unfinished download is removed after a week, unless a writer holds its lock`() throws {
    let digests = try ["a", "b"].map { try Values.digest(of: $0) }
    for digest in digests {
      try store.fileSystem.writeNew([1], to: store.layout.partial(digest))
      try store.fileSystem.writeNew([1], to: store.layout.partialRecord(digest))
    }
    let writer = try OpenFile(store.layout.partial(digests[1]), .readWrite, [])
    #expect(writer.tryLock())
    let alone = store.layout.partialRecord(try Values.digest(of: "c"))
    for path in [alone, "\(store.layout.partials)/record-1"] { try store.fileSystem.writeNew([1], to: path) }
    collect(after: 6 * 86_400)
    #expect(digests.allSatisfy { store.fileSystem.size(of: store.layout.partial($0)) == 1 })
    #expect(store.fileSystem.size(of: alone) == nil)
    #expect(store.fileSystem.size(of: "\(store.layout.partials)/record-1") == nil)
    collect(after: 8 * 86_400)
    #expect(digests.map { store.fileSystem.size(of: store.layout.partial($0)) } == [nil, 1])
    #expect(digests.map { store.fileSystem.size(of: store.layout.partialRecord($0)) } == [nil, 1])
  }
}
