internal import Logging
internal import NIOCore
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// The rules of `docs/rules/eviction.md` on downloads, before the first byte and during the download.
struct EvictorAdmissionTests {
  private static let block: Int64 = 4096

  private let directory: TemporaryDirectory
  private let store: Store
  private let clock = ManualClock()

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
  }

  private func makeEvictor(maxSize: Int64?) -> Evictor {
    var limits = StoreLimits()
    limits.maxSize = maxSize
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    return Evictor(store, limits, logger: logger, now: { [clock] in clock.now })
  }

  private func addOld(_ count: Int) throws -> [Digest] {
    try (0..<count).map { number in
      let bytes = Array("\(number)".utf8)
      let digest = try Values.digest(of: bytes)
      try store.keep(bytes, as: digest)
      store.fileSystem.setAccessTime(of: store.layout.blob(digest), to: clock.now - 5000)
      return digest
    }
  }

  private func admit(_ evictor: Evictor, _ name: String, _ size: Int64?) async throws -> Admission {
    await evictor.admit(try Values.digest(of: name), size: size, present: 0, written: { 0 }, announce: { _ in })
  }

  @Test func `a download is counted before its first byte, and unreserved at its end`() async throws {
    let evictor = makeEvictor(maxSize: 10 * Self.block)
    evictor.collectGarbage()
    #expect(try await admit(evictor, "a", 6 * Self.block) == .reserved)
    #expect(store.usage.total == 6 * Self.block)
    // The reserved room is not available to other downloads.
    #expect(try await admit(evictor, "b", 5 * Self.block) == .refused)
    #expect(try await admit(evictor, "c", 4 * Self.block) == .reserved)
    evictor.withdraw(try Values.digest(of: "a"))
    evictor.unreserve(6 * Self.block)
    #expect(try await admit(evictor, "b", 5 * Self.block) == .reserved)
  }

  @Test(arguments: [.max, .max - 4095, 1 << 62, 11 * block] as [Int64])
  func `a download that cannot be stored evicts no blob`(_ size: Int64) async throws {
    let old = try addOld(10)
    let evictor = makeEvictor(maxSize: 10 * Self.block)
    evictor.collectGarbage()
    #expect(try await admit(evictor, "a", size) == .refused)
    #expect(old.allSatisfy { store.size(of: $0) != nil })
    #expect(store.usage.total == 10 * Self.block)
  }

  @Test func `a download evicts as many blobs as it needs before its first byte`() async throws {
    let old = try addOld(10)
    let evictor = makeEvictor(maxSize: 10 * Self.block)
    evictor.collectGarbage()
    #expect(try await admit(evictor, "a", 3 * Self.block) == .reserved)
    #expect(old.count { store.size(of: $0) != nil } == 7)
    // No other blob is evicted ahead of need while the download grows.
    evictor.maintain()
    #expect(old.count { store.size(of: $0) != nil } == 7)
  }

  @Test func `small blobs that cannot be stored are shared in a tenth of the limit`() async throws {
    let fresh = Array("fresh".utf8)
    let evictor = makeEvictor(maxSize: 30 * Self.block)
    evictor.collectGarbage()
    #expect(store.usage.reserve(30 * Self.block, upTo: .max))
    try store.keep(fresh, as: Values.digest(of: fresh))
    #expect(try await admit(evictor, "a", 2 * Self.block) == .shared)
    #expect(try await admit(evictor, "b", 2 * Self.block) == .refused)
    #expect(try await admit(evictor, "c", Self.block) == .shared)
    evictor.withdraw(try Values.digest(of: "a"))
    #expect(try await admit(evictor, "b", 2 * Self.block) == .shared)
  }

  @Test func `a scan preserves the count of downloads under way`() async throws {
    try _ = addOld(1)
    let evictor = makeEvictor(maxSize: 100 * Self.block)
    evictor.collectGarbage()
    #expect(try await admit(evictor, "a", 6 * Self.block) == .reserved)
    // Another process knows of the download by its file and record.
    let digest = try Values.digest(of: "a")
    let partial = try store.claimPartial(digest)
    let repository = try Values.repository("r.test", "o/a")
    try partial.keep(PartialRecord(size: 6 * Self.block, etag: nil, origin: repository).reserved(true))
    try partial.append(ByteBuffer(repeating: 0, count: 100))
    try partial.file.setTimes(accessTime: clock.now, modificationTime: Int(clock.now))
    for evictor in [evictor, makeEvictor(maxSize: 100 * Self.block)] {
      evictor.collectGarbage()
      #expect(store.usage.total == 7 * Self.block)
    }
    // The process of the download was killed.
    partial.release()
    makeEvictor(maxSize: 100 * Self.block).collectGarbage()
    #expect(store.usage.total == Self.block)
  }

  @Test func `an announced download of another process counts at once`() async throws {
    var limits = StoreLimits()
    limits.minFree = 1
    let free = try #require(store.fileSystem.freeSpace(at: store.layout.root))
    let logger = Logger(label: "test") { _ in SwiftLogNoOpLogHandler() }
    let evictors = (0..<2).map { _ in Evictor(store, limits, logger: logger, now: { [clock] in clock.now }) }
    for evictor in evictors { evictor.collectGarbage() }
    // Each download takes three quarters of the free space.
    var partials: [PartialFile] = []
    var admissions: [Admission] = []
    for (name, evictor) in zip(["a", "b"], evictors) {
      let digest = try Values.digest(of: name)
      let partial = try store.claimPartial(digest)
      partials.append(partial)
      let record = PartialRecord(size: free / 4 * 3, etag: nil, origin: try Values.repository("r.test", "o/a"))
      let admission = await evictor.admit(digest, size: record.size, present: 0, written: { 0 }) {
        try? partial.keep(record.reserved($0 == .reserved))
      }
      admissions.append(admission)
    }
    #expect(admissions == [.reserved, .refused])
  }

  @Test func `a blob of unknown size may exceed the limit by a tenth`() async throws {
    let evictor = makeEvictor(maxSize: 100 * Self.block)
    evictor.collectGarbage()
    let digest = try Values.digest(of: "a")
    #expect(try await admit(evictor, "a", nil) == .shared)
    #expect(evictor.permitsGrowth(of: digest, to: 110 * Self.block, by: 1))
    #expect(!evictor.permitsGrowth(of: digest, to: 110 * Self.block + 1, by: 1))
    #expect(makeEvictor(maxSize: nil).permitsGrowth(of: digest, to: .max, by: .max))
    // Another download of this process.
    let written = 10 * Self.block
    _ = await evictor.admit(try Values.digest(of: "b"), size: nil, present: 0, written: { written }, announce: { _ in })
    #expect(evictor.permitsGrowth(of: digest, to: 100 * Self.block, by: 1))
    #expect(!evictor.permitsGrowth(of: digest, to: 100 * Self.block + 1, by: 1))
  }

  @Test func `huge and negative sizes are added up without a trap`() {
    var totals = GrowthTotals()
    for _ in 0..<3 { totals.add(size: .max, written: 5, isReserved: true) }
    totals.add(size: .max, written: 0, isReserved: false)
    totals.add(size: -5, written: 3, isReserved: true)
    totals.add(size: nil, written: 3, isReserved: true)
    #expect(totals == GrowthTotals(outstanding: .max, reserved: .max, shared: .max, written: 21, unsized: 6))
    #expect(StoreUsage.taken(by: .max) > 0)
  }

  @Test(arguments: ["9223372036854775807", "-000000000000000001"])
  func `a corrupt total does not end the process`(_ total: String) throws {
    let text = String(repeating: " ", count: 20 - total.utf8.count) + total + "\n"
    try store.fileSystem.writeNew(Array(text.utf8), to: store.layout.usage)
    store.usage.add(8192)
    store.usage.add(-8192)
    _ = store.usage.reserve(.max, upTo: .max)
    try store.usage.set(.max, before: 0)
    #expect(store.usage.total.map { $0 >= 0 } ?? true)
  }
}
