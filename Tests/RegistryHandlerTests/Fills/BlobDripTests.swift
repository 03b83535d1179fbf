internal import HTTPTypes
internal import NIOCore
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// Tables "Look-up" and "Downloads" of `docs/rules/blobs.md`: an upstream that sends next to nothing.
struct BlobDripTests {
  private let bytes: [UInt8]
  private let digest: Digest

  init() throws {
    var random = SeededGenerator(seed: 31)
    bytes = random.bytes(300_000)
    digest = try Values.digest(of: bytes)
  }

  private func target(_ upstream: String) -> String { "/v2/\(upstream)/o/a/blobs/\(digest)" }

  private func request(_ upstream: String) -> String { "GET https://\(upstream)/v2/o/a/blobs/\(digest)" }

  /// Returns the requested part of the blob; `nil` for a request of the whole.
  private static func part(of bytes: [UInt8], _ request: UpstreamRequest) -> FakeResponse? {
    guard let range = request.headers[.range], let start = Int(range.dropFirst("bytes=".count).prefix { $0 != "-" })
    else { return nil }
    return FakeResponse(206, [.contentRange: "bytes \(start)-299999/300000"], [Array(bytes[start...])])
  }

  /// A proxy whose clients leave the fill of another upstream after a while.
  private func makeFixture(leavingAfter window: Duration) throws -> ProxyFixture {
    var patience = Patience()
    patience.withAnotherUpstream = window
    return try ProxyFixture(patience: patience)
  }

  /// Sends the beginning, then a byte for each step of the gate; the rest, if it is requested, at once.
  private func drip(_ fixture: ProxyFixture, _ upstream: String, _ gate: Observed<Int>) {
    fixture.registry.on(request(upstream)) { [bytes] request throws(UpstreamError) in
      if let part = Self.part(of: bytes, request) { return part }
      let drops = bytes[20_000..<20_100].map { [$0] }
      var response = FakeResponse(200, [:], [Array(bytes[..<20_000])] + drops + [Array(bytes[20_100...])])
      response.gate = gate
      return response
    }
  }

  @Test func `a drip is a stall, and the rest is requested on another connection`() async throws {
    let fixture = try ProxyFixture()
    let gate = Observed(1)
    drip(fixture, "r.test", gate)
    let response = await fixture.send(.get, target("r.test"))
    gate.update { $0 = 11 }
    let joined = fixture.services.fills.insert(
      digest,
      for: FillOrigin(repository: try Values.repository("r.test", "o/a"))
    )
    let fill = joined.fill
    defer { withExtendedLifetime(joined.lease) {} }
    _ = await fill.progress.first { $0.written >= 20_010 }
    fixture.instants.advance(by: StallDetector.window)
    gate.update { $0 = 12 }
    // The window has brought twenty thousand bytes, which is too little as well.
    #expect(try await fixture.content(of: response) == bytes)
    #expect(fixture.registry.requests.map { $0.headers[.range] } == [nil, "bytes=20010-"])
  }

  @Test func `a drip without readers ends, however small the blob is`() async throws {
    let fixture = try ProxyFixture()
    let gate = Observed(1)
    drip(fixture, "r.test", gate)
    var response: RegistryResponse? = await fixture.send(.get, target("r.test"))
    #expect(response?.status == 200)
    try await eventually { fixture.store.fileSystem.size(of: fixture.store.layout.partial(digest)) == 20_000 }
    response = nil
    fixture.instants.advance(by: StallDetector.window)
    gate.update { $0 = 2 }
    try await eventually { fixture.services.fills.count == 0 }
    #expect(fixture.registry.log == [request("r.test")])
    #expect(fixture.store.fileSystem.size(of: fixture.store.layout.partial(digest)) == 20_000)
  }

  @Test func `a client of another upstream leaves a dripping fill for its own upstream`() async throws {
    let fixture = try makeFixture(leavingAfter: .milliseconds(10))
    let gate = Observed(1)
    drip(fixture, "q.test", gate)
    let first = await fixture.send(.get, target("q.test"))
    fixture.registry.on(request("r.test")) { [bytes] request throws(UpstreamError) in
      Self.part(of: bytes, request) ?? FakeResponse(200, [:], [bytes])
    }
    // The fill pauses while this response is read.
    let second = await fixture.send(.get, target("r.test"))
    #expect(second.status == 200)
    #expect(try await fixture.content(of: second) == bytes)
    gate.update { $0 = .max }
    #expect(try await fixture.content(of: first) == bytes)
  }

  @Test func `a client of another upstream continues from its own upstream when the fill fails`() async throws {
    let fixture = try makeFixture(leavingAfter: .seconds(600))
    let gate = Observed(1)
    drip(fixture, "q.test", gate)
    let first = await fixture.send(.get, target("q.test"))
    fixture.registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [.contentLength: "300000"]))
    fixture.registry.on(request("r.test")) { [bytes] request throws(UpstreamError) in
      Self.part(of: bytes, request) ?? FakeResponse(206, [.contentRange: "bytes 0-299999/300000"], [bytes])
    }
    let second = await fixture.send(.get, target("r.test"))
    #expect(second.headers[.cacheStatus]?.contains("detail=joined") == true)
    fixture.services.fills.insert(digest, for: FillOrigin(repository: try Values.repository("r.test", "o/a"))).fill
      .end(.failed(.upstream(UpstreamError(.status, "gone", status: 404))))
    #expect(try await fixture.content(of: second) == bytes)
    gate.update { $0 = .max }
    _ = first
  }

  @Test func `a client stays with the slow fill of another upstream when its own upstream fails`() async throws {
    let fixture = try makeFixture(leavingAfter: .milliseconds(10))
    let gate = Observed(1)
    drip(fixture, "q.test", gate)
    let first = await fixture.send(.get, target("q.test"))
    fixture.registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [.contentLength: "300000"]))
    fixture.registry.on(request("r.test"), FakeResponse(404))
    let second = await fixture.send(.get, target("r.test"))
    async let content = fixture.content(of: second)
    try await eventually { fixture.registry.count(of: request("r.test")) > 0 }
    gate.update { $0 = .max }
    #expect(try await content == bytes)
    #expect(try await fixture.content(of: first) == bytes)
  }

  @Test(arguments: [true, false])
  func `a client does not wait for a fill of unknown size if its own upstream tells the size`(_ tells: Bool)
    async throws
  {
    let fixture = try makeFixture(leavingAfter: .milliseconds(10))
    let gate = Observed(1)
    var slow = FakeResponse(200, [:], [Array(bytes[..<20_000]), Array(bytes[20_000...])])
    slow.isChunked = true
    slow.gate = gate
    fixture.registry.on(request("q.test"), slow)
    let first = Task { await fixture.send(.get, target("q.test")) }
    try await eventually { fixture.services.fills.count > 0 }
    var own = FakeResponse(200, [:], [bytes])
    own.isChunked = !tells
    fixture.registry.on(request("r.test"), own)
    fixture.registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [.contentLength: "300000"]))
    let second = Task { await fixture.send(.get, target("r.test")) }
    try await eventually { fixture.registry.count(of: request("r.test")) > 0 }
    if !tells { gate.update { $0 = .max } }
    #expect(try await fixture.content(of: await second.value) == bytes)
    gate.update { $0 = .max }
    #expect(try await fixture.content(of: await first.value) == bytes)
  }

  @Test func `a follower without readers ends, and leaves the blob to the process that writes`() async throws {
    let fixture = try ProxyFixture()
    let partial = try fixture.store.claimPartial(digest)
    let repository = try Values.repository("r.test", "o/a")
    try partial.keep(PartialRecord(size: 300_000, etag: nil, origin: repository))
    try partial.append(ByteBuffer(bytes: bytes[..<200_000]))
    var response: RegistryResponse? = await fixture.send(.get, target("r.test"))
    #expect(response?.status == 200)
    response = nil
    try await eventually { fixture.services.fills.count == 0 }
    #expect(fixture.store.fileSystem.size(of: fixture.store.layout.partial(digest)) == 200_000)
    partial.discard()
  }
}
