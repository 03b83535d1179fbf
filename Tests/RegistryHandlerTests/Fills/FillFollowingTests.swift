internal import HTTPTypes
internal import NIOCore
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// Table "Blobs" of `docs/request-handling.md`: what another process writes, here one that the test plays.
struct FillFollowingTests {
  private let fixture: ProxyFixture
  private let bytes: [UInt8]
  private let digest: Digest
  private let repository: UpstreamRepository
  private let request: String

  private var registry: FakeUpstream { fixture.registry }
  private var store: Store { fixture.store }

  init() throws {
    fixture = try ProxyFixture()
    var random = SeededGenerator(seed: 9)
    bytes = random.bytes(100_000)
    digest = try Values.digest(of: bytes)
    repository = try Values.repository("r.test", "o/a")
    request = "GET https://r.test/v2/o/a/blobs/\(digest)"
  }

  /// The other process: it has these bytes, and has been told this size.
  private func write(_ bytes: [UInt8], size: Int64? = 100_000, repository: UpstreamRepository? = nil) throws
    -> PartialFile
  {
    let partial = try store.claimPartial(digest)
    try partial.keep(PartialRecord(size: size, etag: nil, origin: repository ?? self.repository))
    try partial.append(ByteBuffer(bytes: bytes))
    return partial
  }

  private func open() async -> RegistryResponse { await fixture.send(.get, "/v2/o/a/blobs/\(digest)") }

  /// The rest of the blob from wherever it is asked for.
  private func publish(at request: String? = nil) {
    registry.on(request ?? self.request) { [bytes] request throws(UpstreamError) in
      guard let range = request.headers[.range], let start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" })
      else { return FakeAnswer(200, [:], [bytes]) }
      return FakeAnswer(206, [.contentRange: "bytes \(start)-99999/100000"], [Array(bytes[start...])])
    }
  }

  private func spoilt(at index: Int) -> [UInt8] {
    var bytes = bytes
    bytes[index] ^= 1
    return bytes
  }

  private func expectBrokenOff(_ response: RegistryResponse) async {
    await #expect(throws: BlobSourceFailure.self) { _ = try await fixture.content(of: response).count }
  }

  @Test func `two processes that request the same blob send one request`() async throws {
    let other = try ProxyFixture(beside: fixture)
    let gate = Observed(false)
    var answer = FakeAnswer(200, [:], [bytes])
    answer.headGate = gate
    registry.on(request, answer)
    async let first = open()
    try await eventually { registry.log.count == 1 }
    async let second = other.send(.get, "/v2/o/a/blobs/\(digest)")
    try await eventually { other.services.fills.count == 1 }
    gate.update { $0 = true }
    #expect(try await fixture.content(of: await first) == bytes)
    #expect(try await other.content(of: await second) == bytes)
    #expect(registry.log == [request])
  }

  @Test func `the request of another process to another upstream is waited for a moment only`() async throws {
    var patience = Patience()
    patience.withAnotherUpstream = .milliseconds(1)
    let fixture = try ProxyFixture(beside: fixture, patience: patience)
    let turn = PendingRequests(store.layout).begin(digest, to: try Values.upstream("q.test"))
    guard case .mine(let pending) = turn else {
      Issue.record("the request of the other process is not granted")
      return
    }
    publish()
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.headers[.cacheStatus]?.contains("detail=not-kept") == true)
    #expect(try await fixture.content(of: response) == bytes)
    pending.end()
  }

  @Test func `what it finishes is the end of what clients have`() async throws {
    let partial = try write(Array(bytes[..<60_000]))
    let response = await open()
    try partial.append(ByteBuffer(bytes: bytes[60_000...]))
    try store.link(digest, in: repository)
    try partial.promote()
    #expect(try await fixture.content(of: response) == bytes)
    #expect(registry.log.isEmpty)
  }

  @Test func `the record of a killed process admits no client`() async throws {
    var patience = Patience()
    patience.withAnotherUpstream = .seconds(600)
    let fixture = try ProxyFixture(patience: patience)
    let partial = try fixture.store.claimPartial(digest)
    try fixture.store.keep(PartialRecord(size: nil, etag: nil, origin: repository), of: digest)
    async let response = fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    try await eventually { fixture.services.fills.count > 0 }
    let joined = fixture.services.fills.insert(digest, for: FillOrigin(repository: repository))
    let fill = joined.fill
    defer { withExtendedLifetime(joined.lease) {} }
    // After two looks at the file, whose writer has not told whom it asks.
    _ = await fill.progress.first { $0.awaitsAnother || $0.hasBlob }
    #expect(fill.progress.value.phase == .awaitingUpstream)
    // The writer resumes it by way of a repository of its own.
    let other = try Values.repository("r.test", "o/b")
    try partial.keep(PartialRecord(size: 100_000, etag: nil, origin: other))
    try partial.append(ByteBuffer(bytes: bytes))
    try fixture.store.link(digest, in: other)
    try partial.promote()
    #expect(await response.status == 404)
    #expect(fixture.registry.log == ["HEAD \(request.dropFirst("GET ".count))"])
  }

  @Test(arguments: [0, 99_999])
  func `the right blob is no end of the wrong one that clients have`(_ index: Int) async throws {
    let partial = try write(spoilt(at: index))
    let response = await open()
    #expect(response.status == 200)
    // It is given up, and the next try succeeds before anybody looks again.
    try store.keep(bytes, as: digest)
    try store.link(digest, in: repository)
    partial.discard()
    publish()
    if index == 0 {
      await expectBrokenOff(response)
    } else {
      // What was wrong was held back.
      #expect(try await fixture.content(of: response) == bytes)
    }
    #expect(store.size(of: digest) == 100_000)
  }

  @Test func `a beginning that was given up is gone on with from upstream`() async throws {
    let partial = try write(Array(bytes[..<60_000]))
    let response = await open()
    try store.keep(bytes, as: digest)
    partial.discard()
    publish()
    #expect(try await fixture.content(of: response) == bytes)
  }

  @Test func `what nobody has been answered with is asked for anew when it was given up`() async throws {
    let partial = try write(Array(bytes[..<60_000]), size: nil)
    async let response = open()
    while fixture.services.fills.count == 0 { await Task.yield() }
    let joined = fixture.services.fills.insert(digest, for: FillOrigin(repository: repository))
    let fill = joined.fill
    defer { withExtendedLifetime(joined.lease) {} }
    try #require(!joined.isNew)
    _ = await fill.progress.first { $0.phase == .receiving }
    registry.on(request) { [bytes] _ throws(UpstreamError) in
      var answer = FakeAnswer(200, [:], [bytes])
      answer.isChunked = true
      return answer
    }
    partial.discard()
    #expect(try await fixture.content(of: response) == bytes)
  }

  @Test func `whoever takes it over is patient with upstream`() async throws {
    let partial = try write(Array(bytes[..<60_000]))
    let response = await open()
    registry.on(request) { [self] _ throws(UpstreamError) in
      publish()
      return FakeAnswer(503)
    }
    partial.release()
    #expect(try await fixture.content(of: response) == bytes)
    #expect(registry.requests.map { $0.headers[.range] } == ["bytes=60000-", "bytes=60000-"])
  }

  @Test func `wrong bytes that it leaves are taken over by nobody`() async throws {
    let partial = try write(spoilt(at: 99_999))
    let response = await open()
    publish()
    partial.release()
    await expectBrokenOff(response)
    while fixture.services.fills.count > 0 { await Task.yield() }
    #expect(try await fixture.content(of: await open()) == bytes)
  }

  @Test func `a blob of another size than it had been told is no end`() async throws {
    let partial = try write(Array(bytes[..<40_000]), size: 50_000)
    let response = await open()
    #expect(response.headers[.contentLength] == "50000")
    try partial.append(ByteBuffer(bytes: bytes[40_000...]))
    try partial.promote()
    await expectBrokenOff(response)
  }

  @Test func `a part that was announced with another size is thrown away`() async throws {
    try write(Array(bytes[..<40_000]), size: 50_000).release()
    publish()
    #expect(try await fixture.content(of: await open()) == bytes)
    #expect(registry.requests.map { $0.headers[.range] } == ["bytes=40000-", nil])
  }

  @Test func `its rest is asked of the repository that clients have it from`() async throws {
    let other = try Values.repository("r.test", "o/b")
    let ofOther = "GET https://r.test/v2/o/b/blobs/\(digest)"
    let partial = try write(Array(bytes[..<60_000]), repository: other)
    registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", FakeAnswer(200, [.contentLength: "100000"]))
    let response = await open()
    #expect(response.status == 200)
    publish(at: ofOther)
    partial.release()
    #expect(try await fixture.content(of: response) == bytes)
    #expect(registry.count(of: ofOther) == 1 && registry.count(of: request) == 0)
    #expect(store.hasLink(to: digest, in: other))
  }

  @Test func `all bytes are enough, however the answer ends`() async throws {
    var answer = FakeAnswer(200, [:], [bytes])
    answer.failure = UpstreamError(.unreachable, "reset")
    registry.on(request, answer)
    #expect(try await fixture.content(of: await open()) == bytes)
    #expect(registry.log == [request])
  }

  @Test func `an upstream that takes its time does not keep the clients of another waiting`() async throws {
    let small = Array(bytes[..<10_000])
    let target = "o/a/blobs/\(try Values.digest(of: small))"
    var slow = FakeAnswer(200, [:], [small])
    slow.gate = Observed(0)
    registry.on("GET https://q.test/v2/\(target)", slow)
    let waiting = Task { await fixture.send(.get, "/v2/q.test/\(target)") }
    while fixture.services.fills.count == 0 { await Task.yield() }
    registry.on("GET https://r.test/v2/\(target)", FakeAnswer(200, [:], [small]))
    #expect(try await fixture.content(of: await fixture.send(.get, "/v2/\(target)")) == small)
    waiting.cancel()
    _ = await waiting.value
  }

  @Test(arguments: [false, true])
  func `an upstream that another process asks does not keep the clients of another waiting`(_ isOpen: Bool) async throws
  {
    var patience = Patience()
    patience.withAnotherUpstream = .milliseconds(10)
    let fixture = try ProxyFixture(patience: patience)
    let partial = try fixture.store.claimPartial(digest)
    let other = try Values.repository("q.test", "o/a")
    partial.file.markRequest(to: other.upstream)
    if isOpen {
      try partial.keep(PartialRecord(size: 100_000, etag: nil, origin: other))
      try partial.append(ByteBuffer(bytes: bytes[..<60_000]))
    }
    fixture.registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", FakeAnswer(200, [.contentLength: "100000"]))
    fixture.registry.on(request) { [bytes] request throws(UpstreamError) in
      guard let range = request.headers[.range], let start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" })
      else { return FakeAnswer(200, [:], [bytes]) }
      return FakeAnswer(206, [.contentRange: "bytes \(start)-99999/100000"], [Array(bytes[start...])])
    }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    #expect(try await fixture.content(of: response) == bytes)
    partial.discard()
  }

  @Test func `clients wait for their own upstream where another process asks it`() async throws {
    var patience = Patience()
    patience.withAnotherUpstream = .zero
    let fixture = try ProxyFixture(patience: patience)
    let partial = try fixture.store.claimPartial(digest)
    partial.file.markRequest(to: repository.upstream)
    async let response = fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    // More than one look at the file.
    try await Task.sleep(for: .milliseconds(50))
    try partial.keep(PartialRecord(size: 100_000, etag: nil, origin: repository))
    try partial.append(ByteBuffer(bytes: bytes))
    try fixture.store.link(digest, in: repository)
    try partial.promote()
    #expect(try await fixture.content(of: await response) == bytes)
    #expect(fixture.registry.log.isEmpty)
  }

  @Test func `a part that begins later than was asked for is no answer`() async throws {
    let large = [UInt8](repeating: 3, count: 10_000_000)
    let digest = try Values.digest(of: large)
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)") { request throws(UpstreamError) in
      guard request.headers[.range] == nil else {
        return FakeAnswer(206, [.contentRange: "bytes 9000050-9000099/10000000"], [[UInt8](repeating: 3, count: 50)])
      }
      var answer = FakeAnswer(200, [.contentLength: "10000000"], [Array(large[..<100]), Array(large[100...])])
      answer.gate = Observed(1)
      return answer
    }
    let target = "/v2/o/a/blobs/\(digest)"
    let whole = await fixture.send(.get, target)
    #expect(whole.status == 200)
    for _ in 0..<100 {
      #expect(await fixture.send(.get, target, [.range: "bytes=9000000-9000099"]).status == 502)
    }
  }
}
