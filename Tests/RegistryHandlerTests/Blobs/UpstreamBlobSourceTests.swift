internal import NIOCore
internal import Testing

@testable internal import RegistryHandler

/// Bypasses in the tables "Downloads" and "Resuming a download" of `docs/rules/blobs.md`.
struct UpstreamBlobSourceTests {
  private static let bytes = (0..<100_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }

  private static func chunks(_ bytes: [UInt8]) -> [[UInt8]] {
    stride(from: 0, to: bytes.count, by: 9_999).map { Array(bytes[$0..<min($0 + 9_999, bytes.count)]) }
  }

  private func collect(_ source: UpstreamBlobSource) async -> Result<[UInt8], BlobSourceFailure> {
    do throws(BlobSourceFailure) { return .success(try await source.collect()) } catch {
      return .failure(error)
    }
  }

  @Test func `the whole blob is verified before its tail goes out`() async throws {
    let digest = try Values.digest(of: Self.bytes)
    let body = FakeBody(chunks: Self.chunks(Self.bytes))
    let source = UpstreamBlobSource(.init(body: body, skipped: 0), range: 0..<100_000, verifying: digest, on: .forTests)
    #expect(try await collect(source).get() == Self.bytes)
  }

  @Test(arguments: ["wrong", "short", "long", "broken"])
  func `wrong content is cut off before its tail`(_ kind: String) async throws {
    let digest = try Values.digest(of: Self.bytes)
    var bytes = Self.bytes
    switch kind {
    case "wrong": bytes[0] ^= 1
    case "short", "broken": bytes.removeLast()
    default: bytes.append(0)
    }
    var body = FakeBody(chunks: Self.chunks(bytes))
    if kind == "broken" { body.failure = UpstreamError(.unreachable, "cut") }
    let source = UpstreamBlobSource(.init(body: body, skipped: 0), range: 0..<100_000, verifying: digest, on: .forTests)
    var count: Int64 = 0
    await #expect(throws: BlobSourceFailure.self) {
      while true { count += Int64(try await source.chunk(at: count).count) }
    }
    #expect(count <= 100_000 - FillProgress.withheldTail)
  }

  @Test func `a part is cut out of a longer response`() async throws {
    for (range, skipped, sent) in [
      (50_000..<60_000 as Range<Int64>, Int64(0), Array(Self.bytes[50_000..<60_000])),
      (50_000..<60_000, 50_000, Self.bytes),
      (50_000..<60_000, 10, Array(Self.bytes[49_990...])),
    ] {
      let source = UpstreamBlobSource(
        .init(body: FakeBody(chunks: Self.chunks(sent)), skipped: skipped),
        range: range,
        on: .forTests
      )
      #expect(try await collect(source).get() == Array(Self.bytes[50_000..<60_000]))
    }
  }

  @Test func `the rest is verified together with the beginning`() async throws {
    let digest = try Values.digest(of: Self.bytes)
    for isRight in [true, false] {
      var hash = ContentHasher(.sha256)
      var beginning = Array(Self.bytes[..<30_000])
      if !isRight { beginning[0] ^= 1 }
      beginning.withUnsafeBytes { hash.update($0) }
      let source = UpstreamBlobSource(
        .init(body: FakeBody(chunks: Self.chunks(Array(Self.bytes[30_000...]))), skipped: 0),
        range: 30_000..<100_000,
        verifying: digest,
        after: hash,
        on: .forTests
      )
      let result = await collect(source)
      if isRight {
        #expect(try result.get() == Array(Self.bytes[30_000...]))
      } else {
        #expect(throws: BlobSourceFailure.self) { try result.get() }
      }
    }
  }

  /// Returns a body that ends early, perhaps because it has waited too long for the client.
  private static func cut(_ bytes: ArraySlice<UInt8>) -> FakeBody {
    FakeBody(chunks: chunks(Array(bytes)), failure: UpstreamError(.timeout, "sent nothing for 30 seconds"))
  }

  @Test func `a stream that breaks off is resumed, and verified as a whole`() async throws {
    let digest = try Values.digest(of: Self.bytes)
    let requested = Observed<[Int64]>([])
    let source = UpstreamBlobSource(
      .init(body: Self.cut(Self.bytes[..<40_000]), skipped: 0),
      range: 0..<100_000,
      reopening: { offset throws(FillFailure) in
        requested.update { $0.append(offset) }
        switch requested.value.count {
        case 1: throw .upstream(UpstreamError(.status, "busy", status: 503))
        case 2: return .init(body: Self.cut(Self.bytes[..<70_000]), skipped: offset)
        default: return .init(body: FakeBody(chunks: Self.chunks(Array(Self.bytes[Int(offset)...]))), skipped: 0)
        }
      },
      verifying: digest,
      on: .forTests
    )
    #expect(try await collect(source).get() == Self.bytes)
    #expect(requested.value == [40_000, 40_000, 70_000])
  }

  @Test func `all bytes are enough, however the response ends`() async throws {
    let source = UpstreamBlobSource(
      .init(body: Self.cut(Self.bytes[...]), skipped: 0),
      range: 0..<100_000,
      reopening: { offset throws(FillFailure) in
        throw .upstream(UpstreamError(.invalidResponse, "nothing follows \(offset)"))
      },
      verifying: try Values.digest(of: Self.bytes),
      on: .forTests
    )
    #expect(try await collect(source).get() == Self.bytes)
  }

  @Test func `a refused rest is not requested again`() async throws {
    let requested = Observed(0)
    let source = UpstreamBlobSource(
      .init(body: Self.cut(Self.bytes[..<40_000]), skipped: 0),
      range: 0..<100_000,
      reopening: { _ throws(FillFailure) in
        requested.update { $0 += 1 }
        throw .upstream(UpstreamError(.status, "not there", status: 404))
      },
      on: .forTests
    )
    await #expect(throws: BlobSourceFailure.self) { _ = try await collect(source).get().count }
    #expect(requested.value == 1)
  }

  @Test func `upstream waits for a slow client after a few buffers`() async throws {
    let chunk = [UInt8](repeating: 7, count: 32 << 10)
    let passed = Observed(0)
    let body = CountingBody(chunks: Array(repeating: chunk, count: 64), passed: passed)
    let source = UpstreamBlobSource(.init(body: body, skipped: 0), range: 0..<64 << 15, on: .forTests)
    _ = await passed.first { $0 >= 3 }
    #expect(try await !source.chunk(at: 0).isEmpty)
    // Two chunks wait in the pipe, one in front of it, and one more since the client took one.
    #expect(passed.value <= 4)
  }
}

private struct CountingBody: UpstreamBody {
  let chunks: [[UInt8]]
  let passed: Observed<Int>

  func forEachChunk(_ consume: (ByteBuffer) async throws -> Bool) async throws {
    for chunk in chunks {
      passed.update { $0 += 1 }
      guard try await consume(ByteBuffer(bytes: chunk)) else { return }
    }
  }
}
