internal import HTTPTypes
internal import NIOCore
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// Tables "Downloads" and "Processes" of `docs/rules/blobs.md`; the test plays the other process.
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

  /// Writes these bytes as the other process, which knows this size.
  private func write(_ bytes: [UInt8], size: Int64? = 100_000, repository: UpstreamRepository? = nil) throws
    -> PartialFile
  {
    let partial = try store.claimPartial(digest)
    try partial.keep(PartialRecord(size: size, etag: nil, origin: repository ?? self.repository))
    try partial.append(ByteBuffer(bytes: bytes))
    return partial
  }

  private func open() async -> RegistryResponse { await fixture.send(.get, "/v2/o/a/blobs/\(digest)") }

  /// Serves the blob, or the rest of it from the requested offset.
  private func publish(at request: String? = nil) {
    registry.on(request ?? self.request) { [bytes] request throws(UpstreamError) in
      guard let range = request.headers[.range], let start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" })
      else { return FakeResponse(200, [:], [bytes]) }
      return FakeResponse(206, [.contentRange: "bytes \(start)-99999/100000"], [Array(bytes[start...])])
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
    var response = FakeResponse(200, [:], [bytes])
    response.headGate = gate
    registry.on(request, response)
    async let first = open()
    try await eventually { registry.log.count == 1 }
    async let second = other.send(.get, "/v2/o/a/blobs/\(digest)")
    try await eventually { other.services.fills.count == 1 }
    gate.update { $0 = true }
    #expect(try await fixture.content(of: await first) == bytes)
    #expect(try await other.content(of: await second) == bytes)
    #expect(registry.log == [request])
  }

  @Test func `a client waits only briefly for another process's request to another upstream`() async throws {
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

  @Test func `readers get the tail from the file that another process completes`() async throws {
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
    // After the second check of the file, whose writer has not marked its upstream.
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
  func `the right blob does not complete the wrong one that clients have read`(_ index: Int) async throws {
    let partial = try write(spoilt(at: index))
    let response = await open()
    #expect(response.status == 200)
    // The file is discarded, and the next try succeeds before this process checks again.
    try store.keep(bytes, as: digest)
    try store.link(digest, in: repository)
    partial.discard()
    publish()
    if index == 0 {
      await expectBrokenOff(response)
    } else {
      // The wrong byte was withheld.
      #expect(try await fixture.content(of: response) == bytes)
    }
    #expect(store.size(of: digest) == 100_000)
  }

  @Test func `the rest of a discarded partial file is read from upstream`() async throws {
    let partial = try write(Array(bytes[..<60_000]))
    let response = await open()
    try store.keep(bytes, as: digest)
    partial.discard()
    publish()
    #expect(try await fixture.content(of: response) == bytes)
  }

  @Test func `a discarded partial file is requested anew if no client has a response yet`() async throws {
    let partial = try write(Array(bytes[..<60_000]), size: nil)
    async let response = open()
    while fixture.services.fills.count == 0 { await Task.yield() }
    let joined = fixture.services.fills.insert(digest, for: FillOrigin(repository: repository))
    let fill = joined.fill
    defer { withExtendedLifetime(joined.lease) {} }
    try #require(!joined.isNew)
    _ = await fill.progress.first { $0.phase == .receiving }
    registry.on(request) { [bytes] _ throws(UpstreamError) in
      var response = FakeResponse(200, [:], [bytes])
      response.isChunked = true
      return response
    }
    partial.discard()
    #expect(try await fixture.content(of: response) == bytes)
  }

  @Test func `a process that takes over a partial file retries a transient status`() async throws {
    let partial = try write(Array(bytes[..<60_000]))
    let response = await open()
    registry.on(request) { [self] _ throws(UpstreamError) in
      publish()
      return FakeResponse(503)
    }
    partial.release()
    #expect(try await fixture.content(of: response) == bytes)
    #expect(registry.requests.map { $0.headers[.range] } == ["bytes=60000-", "bytes=60000-"])
  }

  @Test func `a leftover with wrong bytes is not taken over`() async throws {
    let partial = try write(spoilt(at: 99_999))
    let response = await open()
    publish()
    partial.release()
    await expectBrokenOff(response)
    while fixture.services.fills.count > 0 { await Task.yield() }
    #expect(try await fixture.content(of: await open()) == bytes)
  }

  @Test func `a blob of another size than announced does not complete the response`() async throws {
    let partial = try write(Array(bytes[..<40_000]), size: 50_000)
    let response = await open()
    #expect(response.headers[.contentLength] == "50000")
    try partial.append(ByteBuffer(bytes: bytes[40_000...]))
    try partial.promote()
    await expectBrokenOff(response)
  }

  @Test func `a leftover of another size than upstream's is discarded`() async throws {
    try write(Array(bytes[..<40_000]), size: 50_000).release()
    publish()
    #expect(try await fixture.content(of: await open()) == bytes)
    #expect(registry.requests.map { $0.headers[.range] } == ["bytes=40000-", nil])
  }

  @Test func `the rest is requested from the repository that clients read from`() async throws {
    let other = try Values.repository("r.test", "o/b")
    let ofOther = "GET https://r.test/v2/o/b/blobs/\(digest)"
    let partial = try write(Array(bytes[..<60_000]), repository: other)
    registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [.contentLength: "100000"]))
    let response = await open()
    #expect(response.status == 200)
    publish(at: ofOther)
    partial.release()
    #expect(try await fixture.content(of: response) == bytes)
    #expect(registry.count(of: ofOther) == 1 && registry.count(of: request) == 0)
    #expect(store.hasLink(to: digest, in: other))
  }

  @Test func `all bytes are enough, however the response ends`() async throws {
    var response = FakeResponse(200, [:], [bytes])
    response.failure = UpstreamError(.unreachable, "reset")
    registry.on(request, response)
    #expect(try await fixture.content(of: await open()) == bytes)
    #expect(registry.log == [request])
  }

  @Test func `a slow upstream does not delay the clients of another upstream`() async throws {
    let small = Array(bytes[..<10_000])
    let target = "o/a/blobs/\(try Values.digest(of: small))"
    var slow = FakeResponse(200, [:], [small])
    slow.gate = Observed(0)
    registry.on("GET https://q.test/v2/\(target)", slow)
    let waiting = Task { await fixture.send(.get, "/v2/q.test/\(target)") }
    while fixture.services.fills.count == 0 { await Task.yield() }
    registry.on("GET https://r.test/v2/\(target)", FakeResponse(200, [:], [small]))
    #expect(try await fixture.content(of: await fixture.send(.get, "/v2/\(target)")) == small)
    waiting.cancel()
    _ = await waiting.value
  }

  @Test(arguments: [false, true])
  func `a slow upstream of another process does not delay the clients of another upstream`(_ isOpen: Bool) async throws
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
    fixture.registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [.contentLength: "100000"]))
    fixture.registry.on(request) { [bytes] request throws(UpstreamError) in
      guard let range = request.headers[.range], let start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" })
      else { return FakeResponse(200, [:], [bytes]) }
      return FakeResponse(206, [.contentRange: "bytes \(start)-99999/100000"], [Array(bytes[start...])])
    }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    #expect(try await fixture.content(of: response) == bytes)
    partial.discard()
  }

  @Test func `clients wait for another process's request to their own upstream`() async throws {
    var patience = Patience()
    patience.withAnotherUpstream = .zero
    let fixture = try ProxyFixture(patience: patience)
    let partial = try fixture.store.claimPartial(digest)
    partial.file.markRequest(to: repository.upstream)
    async let response = fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    // More than one check of the file.
    try await Task.sleep(for: .milliseconds(50))
    try partial.keep(PartialRecord(size: 100_000, etag: nil, origin: repository))
    try partial.append(ByteBuffer(bytes: bytes))
    try fixture.store.link(digest, in: repository)
    try partial.promote()
    #expect(try await fixture.content(of: await response) == bytes)
    #expect(fixture.registry.log.isEmpty)
  }

  @Test func `a part that begins later than requested is refused`() async throws {
    let large = [UInt8](repeating: 3, count: 10_000_000)
    let digest = try Values.digest(of: large)
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)") { request throws(UpstreamError) in
      guard request.headers[.range] == nil else {
        return FakeResponse(206, [.contentRange: "bytes 9000050-9000099/10000000"], [[UInt8](repeating: 3, count: 50)])
      }
      var response = FakeResponse(200, [.contentLength: "10000000"], [Array(large[..<100]), Array(large[100...])])
      response.gate = Observed(1)
      return response
    }
    let target = "/v2/o/a/blobs/\(digest)"
    let whole = await fixture.send(.get, target)
    #expect(whole.status == 200)
    for _ in 0..<100 {
      #expect(await fixture.send(.get, target, [.range: "bytes=9000000-9000099"]).status == 502)
    }
  }
}
