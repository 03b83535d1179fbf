internal import Logging
internal import NIOCore
internal import RegistryTestSupport
internal import SystemPackage
internal import Testing

@testable internal import RegistryHandler

struct EvictorTests {
  private let directory: TemporaryDirectory
  private let store: Store
  private let clock = ManualClock()

  private var now: Int64 { clock.now }

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore { [clock] in clock.now }
  }

  private func makeEvictor(maxSize: Int64?, minFree: Int64? = nil, pins: [String] = []) -> Evictor {
    var limits = StoreLimits()
    limits.maxSize = maxSize
    limits.minFree = minFree
    limits.pins = pins.map { GlobPattern($0) }
    return Evictor(store, limits, logger: Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }) { [clock] in
      clock.now
    }
  }

  /// A blob of two blocks.
  @discardableResult
  private func add(_ number: Int, usedAgo: Int64) throws -> Digest {
    let bytes = Array("\(number)".utf8) + [UInt8](repeating: 0, count: 5000)
    let digest = try Values.digest(of: bytes)
    try store.keep(bytes, as: digest)
    store.fileSystem.setAccessTime(of: store.layout.blob(digest), to: now - usedAgo)
    return digest
  }

  private func isHere(_ digest: Digest) -> Bool { store.size(of: digest) != nil }

  @Test func `the blob with the oldest access time is evicted first`() async throws {
    let digests = try [400, 1000, 300, 700].enumerated().map { try add($0.offset, usedAgo: $0.element) }
    let evictor = makeEvictor(maxSize: 4 * 8192)
    evictor.collectGarbage()
    #expect(store.usage.total == Int64(4 * 8192))
    #expect(!evictor.reserve(5000))
    #expect(await evictor.makeRoom(for: 5000))
    #expect(digests.map(isHere) == [true, false, true, true])
    #expect(await evictor.makeRoom(for: 8193))
    #expect(digests.map(isHere) == [false, false, true, false])
    #expect(store.usage.total == Int64(8192 + 8192 + 12_288))
    #expect(evictor.evicted == (3, 3 * 8192))
  }

  @Test func `fresh and pinned blobs stay, and a blob that does not fit is not stored`() async throws {
    let fresh = try add(1, usedAgo: 0)
    let pinned = try add(2, usedAgo: 5000)
    try store.link(pinned, in: Values.repository("r.test", "a/b"))
    let evictor = makeEvictor(maxSize: 2 * 8192, pins: ["r.test/a/*"])
    evictor.collectGarbage()
    #expect(await !evictor.makeRoom(for: 1))
    #expect(isHere(fresh) && isHere(pinned))
    #expect(store.usage.total == Int64(2 * 8192))
    #expect(evictor.evicted == (0, 0))
  }

  @Test func `a use since the scan counts`() async throws {
    let first = try add(1, usedAgo: 5000)
    let second = try add(2, usedAgo: 4000)
    let evictor = makeEvictor(maxSize: 2 * 8192)
    evictor.collectGarbage()
    #expect(store.touch(first) != nil)
    #expect(await evictor.makeRoom(for: 1))
    #expect(isHere(first) && !isHere(second))
  }

  @Test func `a use is recorded once a minute, and changes no validator`() throws {
    let start = now
    let digest = try add(1, usedAgo: 0)
    clock.advance(by: 59)
    _ = store.touch(digest)
    #expect(store.fileSystem.status(of: store.layout.blob(digest))?.accessTime == start)
    clock.advance(by: 1)
    _ = store.touch(digest)
    let status = try #require(store.fileSystem.status(of: store.layout.blob(digest)))
    #expect(status.accessTime == start + 60)
    #expect(status.modificationTime == Int64(Store.blobModificationTime))
  }

  @Test func `one process at a time evicts`() async throws {
    let old = try add(1, usedAgo: 5000)
    let evictor = makeEvictor(maxSize: 8192)
    evictor.collectGarbage()
    let other = try OpenFile(store.layout.evictorLock, .readWrite, [.create])
    #expect(other.tryLock())
    evictor.maintain()
    #expect(await !evictor.makeRoom(for: 1))
    #expect(isHere(old))
    other.unlock()
    #expect(await evictor.makeRoom(for: 1))
    #expect(!isHere(old))
  }

  @Test func `free space in the file system counts`() async throws {
    let old = try add(1, usedAgo: 5000)
    let evictor = makeEvictor(maxSize: nil, minFree: .max / 4)
    // For one blob no other is evicted in vain; the space to preserve is freed all the same.
    #expect(await !evictor.makeRoom(for: 1))
    #expect(isHere(old))
    evictor.maintain()
    #expect(!isHere(old))
  }

  @Test func `a blob that cannot fit evicts no blob`() async throws {
    let old = try (0..<4).map { try add($0, usedAgo: 5000 + Int64($0)) }
    let fresh = try add(4, usedAgo: 0)
    let evictor = makeEvictor(maxSize: 5 * 8192)
    evictor.collectGarbage()
    for size in [5 * 8192, 4 * 8192 + 1, .max / 2] as [Int64] { #expect(await !evictor.makeRoom(for: size)) }
    #expect(!evictor.makeRoom(forManifestOf: 5 * 8192))
    #expect((old + [fresh]).allSatisfy(isHere))
    #expect(await evictor.makeRoom(for: 4 * 8192))
    #expect(old.allSatisfy { !isHere($0) } && isHere(fresh))
  }

  @Test func `blobs that were evicted or used since the scan make no room`() async throws {
    let old = try (0..<4).map { try add($0, usedAgo: 5000) }
    let evictor = makeEvictor(maxSize: 4 * 8192)
    evictor.collectGarbage()
    store.fileSystem.remove(store.layout.blob(old[0]))
    _ = store.touch(old[1])
    for number in 4..<5 { try add(number, usedAgo: 0) }
    try store.usage.set(4 * 8192, before: nil)
    #expect(await !evictor.makeRoom(for: 3 * 8192))
    #expect(isHere(old[2]) && isHere(old[3]))
    #expect(await evictor.makeRoom(for: 2 * 8192))
    #expect(!isHere(old[2]) && !isHere(old[3]) && isHere(old[1]))
  }

  @Test func `an evicted blob is subtracted once although a scan follows in the middle`() throws {
    try add(0, usedAgo: 5000)
    let hours = Observed(0)
    var limits = StoreLimits()
    limits.maxSize = 20 * 8192
    let start = ContinuousClock.now
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let evictor = Evictor(store, limits, logger: logger, now: { [clock] in clock.now }) {
      start + .seconds(3600 * hours.value)
    }
    evictor.collectGarbage()
    // Another process adds blobs, which the evictor finds when its list of candidates has ended.
    for number in 1..<20 { try add(number, usedAgo: 4000) }
    hours.update { $0 = 1 }
    evictor.maintain()
    var found: Int64 = 0
    store.forEachBlob { found += StoreUsage.taken(by: $1.size) }
    #expect(found == Int64(18 * 8192))
    #expect(store.usage.total == found)
  }

  @Test func `a manifest is counted once, when the manifest is stored`() async throws {
    let evictor = makeEvictor(maxSize: 8192)
    evictor.collectGarbage()
    #expect(evictor.makeRoom(forManifestOf: 8192))
    #expect(store.usage.total == 0)
    try add(1, usedAgo: 0)
    #expect(!evictor.makeRoom(forManifestOf: 1))
  }

  @Test func `content linked to a pinned repository since the scan stays`() async throws {
    let blob = try add(1, usedAgo: 5000)
    let bytes = Array(#"{"schemaVersion":2}"#.utf8)
    let manifest = StoredManifest(
      digest: try Values.digest(of: bytes),
      mediaType: try #require(MediaType("application/vnd.oci.image.manifest.v1+json")),
      bytes: bytes
    )
    try store.keep(manifest, in: Values.repository("r.test", "a/b"))
    store.fileSystem.setAccessTime(of: store.layout.blob(manifest.digest), to: now - 5000)
    let evictor = makeEvictor(maxSize: 8192 + 4096, pins: ["r.test/pinned"])
    evictor.collectGarbage()
    try store.link(blob, in: Values.repository("r.test", "pinned"))
    try store.keep(manifest, in: Values.repository("r.test", "pinned"))
    #expect(await !evictor.makeRoom(for: 1))
    #expect(isHere(blob) && isHere(manifest.digest))
  }

  @Test func `the limit holds although the total cannot be written`() throws {
    let old = try add(1, usedAgo: 5000)
    let evictor = makeEvictor(maxSize: 4096)
    // A directory of that name prevents the file.
    try store.fileSystem.makeDirectory(store.layout.usage)
    evictor.maintain()
    #expect(!isHere(old))
  }

  /// Adds an abandoned download.
  private func addPartial(_ number: Int, size: Int, changedAgo: Int) throws -> Digest {
    let digest = try Values.digest(of: "partial \(number)")
    guard case .mine(let partial) = try PartialFile.claim(digest, in: store) else {
      throw FileError("claim", "\(digest)", .wouldBlock)
    }
    try partial.append(ByteBuffer(repeating: 0, count: size))
    try partial.file.setTimes(accessTime: now, modificationTime: Int(now) - changedAgo)
    partial.release()
    return digest
  }

  @Test func `abandoned downloads beyond a tenth are removed, the oldest first`() throws {
    let partials = try [5000, 9000, 7000, 10].enumerated().map {
      try addPartial($0.offset, size: 4096, changedAgo: $0.element)
    }
    let evictor = makeEvictor(maxSize: 4096 * 20)
    evictor.maintain()
    #expect(partials.map { store.fileSystem.size(of: store.layout.partial($0)) != nil } == [true, false, true, true])
    makeEvictor(maxSize: nil, minFree: .max / 4).maintain()
    // The download that has grown a moment ago is not abandoned.
    #expect(partials.map { store.fileSystem.size(of: store.layout.partial($0)) != nil } == [false, false, false, true])
  }

  @Test func `the background evicts ahead of need`() throws {
    for number in 0..<20 { try add(number, usedAgo: 1000 + Int64(number)) }
    let evictor = makeEvictor(maxSize: 20 * 8192)
    evictor.maintain()
    #expect(store.usage.total == Int64(18 * 8192))
    evictor.maintain()
    #expect(evictor.evicted.blobs == 2)
  }

  @Test func `a corrupt total is counted anew`() throws {
    try add(1, usedAgo: 0)
    try store.fileSystem.writeNew(Array("nonsense".utf8), to: store.layout.usage)
    #expect(store.usage.total == nil)
    makeEvictor(maxSize: 1 << 20).maintain()
    #expect(store.usage.total == 8192)
    // The total never falls below zero.
    store.usage.add(-100_000)
    #expect(store.usage.total == 0)
  }

  @Test func `no blob is evicted without limits`() async throws {
    let old = try add(1, usedAgo: 500_000)
    let evictor = makeEvictor(maxSize: nil)
    evictor.maintain()
    #expect(await evictor.makeRoom(for: .max / 2))
    #expect(isHere(old))
  }
}
