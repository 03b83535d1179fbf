internal import HTTPTypes
internal import NIOCore
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// A fill with its readers.
struct FillTests {
  private static let size: Int64 = 100_000

  private let directory: TemporaryDirectory
  private let store: Store
  private let bytes: [UInt8]
  private let fill: Fill

  init() throws {
    directory = try TemporaryDirectory()
    store = try directory.makeStore()
    var random = SeededGenerator(seed: 1)
    bytes = random.bytes(Int(Self.size))
    fill = Fill(try Values.digest(of: bytes), for: FillOrigin(repository: try Values.repository("r.test", "a")))
  }

  private func makeTable() -> FillTable { FillTable(.forTests(store)) }

  /// Writes the bytes in chunks, as a download does.
  private func write(_ partial: PartialFile, _ bytes: some Collection<UInt8>) throws {
    try partial.append(ByteBuffer(bytes: Array(bytes)))
    fill.advance(to: partial.length)
  }

  @Test func `many readers of different ranges get the right bytes`() async throws {
    let partial = try store.claimPartial(fill.digest)
    fill.begin(partial.file, size: Self.size, proved: fill.origin.repository)
    try await withThrowingTaskGroup(of: Void.self) { group in
      for number in 0..<64 as Range<Int64> {
        let range = (number * 777)..<(Self.size - number * 333)
        let source = try #require(fill.makeReader(range))
        group.addTask {
          let read = try await source.collect()
          #expect(read.elementsEqual(bytes[Int(range.lowerBound)..<Int(range.upperBound)]))
        }
      }
      for start in stride(from: 0, to: bytes.count, by: 9_999) {
        try write(partial, bytes[start..<min(start + 9_999, bytes.count)])
        await Task.yield()
      }
      try partial.promote()
      fill.end(.stored)
      try await group.waitForAll()
    }
  }

  @Test func `a late reader gets the bytes that have arrived`() async throws {
    let partial = try store.claimPartial(fill.digest)
    fill.begin(partial.file, size: Self.size, proved: fill.origin.repository)
    try write(partial, bytes)
    try partial.promote()
    fill.end(.stored)
    #expect(try await fill.makeReader(0..<Self.size)?.collect() == bytes)
  }

  @Test func `the tail is withheld until the blob is stored`() async throws {
    let partial = try store.claimPartial(fill.digest)
    fill.begin(partial.file, size: Self.size, proved: fill.origin.repository)
    try write(partial, bytes)
    let readable = Self.size - FillProgress.withheldTail
    let early = try #require(fill.makeReader(0..<readable))
    #expect(try await early.collect().count == Int(readable))
    let source = try #require(fill.makeReader(readable..<Self.size))
    let rest = Task { try await source.collect() }
    rest.cancel()
    guard case .failure(BlobSourceFailure.cancelled) = await rest.result else {
      Issue.record("bytes went out before the digest was known")
      return
    }
  }

  @Test func `a wrong digest cuts readers off before the end`() async throws {
    let partial = try store.claimPartial(fill.digest)
    fill.begin(partial.file, size: Self.size, proved: fill.origin.repository)
    let source = try #require(fill.makeReader(0..<Self.size))
    let task = Task { try await source.collect() }
    var wrong = bytes
    wrong[0] ^= 1
    try write(partial, wrong)
    #expect(try !partial.isVerified())
    let failure = FillFailure.upstream(UpstreamError(.invalidResponse, "wrong digest"))
    partial.discard()
    fill.end(.failed(failure))
    guard case .failure(BlobSourceFailure.fill(failure)) = await task.result else {
      Issue.record("a wrong blob was a complete response")
      return
    }
    #expect(store.size(of: fill.digest) == nil)
  }

  @Test func `a client waits until the fill's response is known`() async throws {
    let partial = try store.claimPartial(fill.digest)
    let opened = Task { await fill.opened() }
    #expect(fill.makeReader(0..<1) == nil)
    fill.begin(partial.file, size: Self.size, proved: fill.origin.repository)
    #expect(await opened.value?.phase == .receiving)
    let small = Fill(fill.digest, for: fill.origin)
    let finished = Task { await small.opened() }
    small.begin(partial.file, size: FillProgress.withheldTail, proved: fill.origin.repository)
    let redirect = ClientRedirect(status: 307, location: "https://s3.test/", method: .get)
    small.end(.redirected(redirect))
    #expect(await finished.value?.phase == .redirected(redirect))
  }

  @Test(
    arguments: [
      (nil, 0, true), (nil, (64 << 20) - 1, true), (nil, 64 << 20, false), (1000, 0, true), ((64 << 20) - 1, 0, true),
      (64 << 20, 0, false),
      (64 << 20, (32 << 20) - 1, false), (64 << 20, 32 << 20, true), (1 << 40, 1 << 39, true),
    ] as [(Int64?, Int64, Bool)]
  )
  func `a small or half-finished download continues without readers`(
    _ size: Int64?,
    _ written: Int64,
    _ isWorthFinishing: Bool
  ) {
    var progress = FillProgress()
    progress.size = size
    progress.written = written
    #expect(progress.isWorthFinishing == isWorthFinishing)
  }

  @Test func `a fill that begins another file counts the bytes of that file`() throws {
    let first = try store.claimPartial(fill.digest)
    fill.begin(first.file, size: nil, proved: fill.origin.repository)
    try write(first, bytes)
    #expect(fill.progress.value.written == Self.size)
    first.discard()
    let second = try store.claimPartial(fill.digest)
    fill.begin(second.file, size: Self.size, written: 10, proved: fill.origin.repository)
    #expect(fill.progress.value.written == 10)
    #expect(fill.progress.value.readable == 10)
    fill.advance(to: 20)
    #expect(fill.progress.value.written == 20)
  }

  @Test func `a fill is abandoned when its last client and its last reader have left`() throws {
    let fills = makeTable()
    var joined: FillTable.Membership? = fills.insert(fill.digest, for: fill.origin)
    var fill = try #require(joined).fill
    let partial = try store.claimPartial(fill.digest)
    fill.begin(partial.file, size: 1 << 30, proved: fill.origin.repository)
    #expect(!fills.removeIfAbandoned(fill))
    var source = fill.makeReader(0..<10)
    #expect(source != nil)
    joined = nil
    #expect(!fills.removeIfAbandoned(fill))
    source = nil
    #expect(fills.removeIfAbandoned(fill))
    #expect(fills.count == 0)
    fill = fills.insert(fill.digest, for: fill.origin).fill
    #expect(fills.count == 1)
  }

  @Test func `a digest has one fill until its removal`() throws {
    let fills = makeTable()
    let first = fills.insert(fill.digest, for: fill.origin)
    let second = fills.insert(fill.digest, for: FillOrigin(repository: try Values.repository("q.test", "b")))
    #expect(first.isNew && !second.isNew)
    #expect(first.fill === second.fill)
    #expect(fills.count == 1)
    fills.remove(fill)
    #expect(fills.count == 1)
    fills.remove(first.fill)
    #expect(fills.count == 0)
    #expect(fills.insert(fill.digest, for: fill.origin).isNew)
  }
}
