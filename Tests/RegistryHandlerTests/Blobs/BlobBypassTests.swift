internal import HTTPTypes
internal import NIOCore
internal import Testing

@testable internal import RegistryHandler

/// Bypasses in the tables "Downloads" and "Ranges" of `docs/rules/blobs.md`.
struct BlobBypassTests {
  private static let blob = Array("a small blob".utf8)

  /// Returns a proxy whose store can take no blob.
  private func makeFixture(bypasses: BypassLimit = BypassLimit()) throws -> ProxyFixture {
    let fixture = try ProxyFixture(bypasses: bypasses)
    try obstruct(fixture.store)
    return fixture
  }

  /// Puts a file where the directory of partial files would be.
  private func obstruct(_ store: Store) throws {
    store.fileSystem.removeIfEmpty(store.layout.partials)
    try store.fileSystem.writeNew([], to: store.layout.partials)
  }

  @Test func `clients get the blob although the store fails between request and response`() async throws {
    let fixture = try ProxyFixture()
    let digest = try Values.digest(of: Self.blob)
    let request = "GET https://r.test/v2/o/a/blobs/\(digest)"
    var upstreamResponse = FakeResponse(200, [:], [Self.blob])
    let gate = Observed(false)
    upstreamResponse.headGate = gate
    fixture.registry.on(request, upstreamResponse)
    async let response = fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    try await eventually { fixture.registry.log.count == 1 }
    try obstruct(fixture.store)
    gate.update { $0 = true }
    #expect(try await fixture.content(of: await response) == Self.blob)
    #expect(fixture.registry.log == [request, request])
  }

  @Test(
    arguments: [
      (FakeResponse(200), 502), (FakeResponse(200, [:], [Array("a small blog".utf8)]), 502),
      (FakeResponse(200, [.contentLength: "12"], [Array("a small".utf8)]), 502),
      (FakeResponse(200, [:], [blob + blob]), 502), (FakeResponse(200, [:], [blob]), 200),
      (FakeResponse(206, [.contentRange: "bytes 0-11/12"], [blob]), 200),
    ]
  )
  func `a small blob that cannot be stored is verified before its headers go out`(
    _ upstreamResponse: FakeResponse,
    _ status: Int
  )
    async throws
  {
    let fixture = try makeFixture()
    let digest = try Values.digest(of: Self.blob)
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", upstreamResponse)
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == status)
    if status == 200 { #expect(try await fixture.content(of: response) == Self.blob) }
  }

  @Test func `an empty blob is a complete response only to the digest of nothing`() async throws {
    let fixture = try makeFixture()
    let digest = try Values.digest(of: [UInt8]())
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200))
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == "0")
  }

  @Test(arguments: [true, false])
  func `a part of a small blob is verified with the whole`(_ isRight: Bool) async throws {
    let fixture = try makeFixture()
    let digest = try Values.digest(of: Self.blob)
    var sent = Self.blob
    if !isRight { sent[11] ^= 1 }
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)") { [sent] request throws(UpstreamError) in
      request.headers[.range] == nil
        ? FakeResponse(200, [:], [sent]) : FakeResponse(206, [.contentRange: "bytes 2-6/12"], [Array(sent[2...6])])
    }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)", [.range: "bytes=2-6"])
    #expect(response.status == (isRight ? 206 : 502))
    if isRight { #expect(try await fixture.content(of: response) == Array(Self.blob[2...6])) }
  }

  @Test func `an empty response of a client's own upstream is not a blob`() async throws {
    var patience = Patience()
    patience.withAnotherUpstream = .zero
    let fixture = try ProxyFixture(patience: patience)
    let digest = try Values.digest(of: Self.blob)
    var silent = FakeResponse(200, [:], [Self.blob])
    silent.gate = Observed(0)
    fixture.registry.on("GET https://q.test/v2/o/a/blobs/\(digest)", silent)
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200))
    let first = Task { await fixture.send(.get, "/v2/q.test/o/a/blobs/\(digest)") }
    while fixture.services.fills.count == 0 { await Task.yield() }
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)").status == 502)
    silent.gate?.update { $0 = .max }
    #expect(await first.value.status == 200)
  }

  @Test func `streams beyond the limit are refused until another ends`() async throws {
    let bypasses = BypassLimit(maximum: 1)
    let fixture = try makeFixture(bypasses: bypasses)
    let bytes = [UInt8](repeating: 7, count: 600_000)
    let digest = try Values.digest(of: bytes)
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [:], [bytes]))
    var first: RegistryResponse? = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(first?.status == 200)
    let second = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(second.status == 503)
    #expect(second.headers[.retryAfter] != nil)
    first = nil
    while bypasses.streams > 0 { await Task.yield() }
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)").status == 200)
  }

  @Test func `one upstream has its share of the streams, and another one the rest`() async throws {
    let fixture = try makeFixture(bypasses: BypassLimit(maximum: 8, percentage: 13))
    let bytes = [UInt8](repeating: 7, count: 600_000)
    let digest = try Values.digest(of: bytes)
    let others = [UInt8](repeating: 8, count: 600_000)
    let other = try Values.digest(of: others)
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [:], [bytes]))
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(other)", FakeResponse(200, [:], [others]))
    fixture.registry.on("GET https://q.test/v2/o/a/blobs/\(other)", FakeResponse(200, [:], [others]))
    let first = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(first.status == 200)
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(other)").status == 503)
    #expect(await fixture.send(.get, "/v2/q.test/o/a/blobs/\(other)").status == 200)
    guard case .stream = first.body else { throw UpstreamError(.invalidResponse, "no stream") }
  }

  // MARK: - Parts of a growing blob

  private static let large = [UInt8](repeating: 3, count: 20_000_000)

  /// Starts a fill that has received 100 bytes, and waits.
  private func startFill(_ fixture: ProxyFixture, parts: FakeResponse) async throws -> (
    target: String, gate: Observed<Int>
  ) {
    let digest = try Values.digest(of: Self.large)
    let gate = Observed(1)
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)") { request throws(UpstreamError) in
      guard request.headers[.range] == nil else { return parts }
      var upstreamResponse = FakeResponse(200, [:], [Array(Self.large[..<100]), Array(Self.large[100...])])
      upstreamResponse.gate = gate
      return upstreamResponse
    }
    let target = "/v2/o/a/blobs/\(digest)"
    #expect(await fixture.send(.get, target).status == 200)
    return (target, gate)
  }

  @Test func `a part a little ahead of a slow fill is requested from upstream`() async throws {
    var patience = Patience()
    patience.withPart = .milliseconds(10)
    let fixture = try ProxyFixture(patience: patience)
    let part = FakeResponse(206, [.contentRange: "bytes 7000000-7000099/20000000"], [[UInt8](repeating: 3, count: 100)])
    let (target, gate) = try await startFill(fixture, parts: part)
    let response = await fixture.send(.get, target, [.range: "bytes=7000000-7000099"])
    #expect(response.status == 206)
    #expect(response.headers[.cacheStatus]?.contains("detail=range") == true)
    #expect(try await fixture.content(of: response).count == 100)
    gate.update { $0 = .max }
  }

  @Test func `a far part is requested as a part, whatever the client's validator and spelling`() async throws {
    let fixture = try ProxyFixture()
    let part = FakeResponse(
      206,
      [.contentRange: "bytes 19000000-19000099/20000000"],
      [[UInt8](repeating: 3, count: 100)]
    )
    let (target, gate) = try await startFill(fixture, parts: part)
    let validator = try #require(await fixture.send(.get, target).headers[.eTag])
    let response = await fixture.send(.get, target, [.range: "BYTES=19000000-19000099", .ifRange: validator])
    #expect(response.status == 206)
    #expect(try await fixture.content(of: response).count == 100)
    #expect(fixture.registry.requests.last?.headers[.range] == "bytes=19000000-19000099")
    #expect(fixture.services.blobs.rangeRefusals[try Values.upstream("r.test")] == nil)
    gate.update { $0 = .max }
  }

  @Test func `a part that breaks off continues from the store once the blob is stored`() async throws {
    let fixture = try ProxyFixture()
    let chunks = [[UInt8](repeating: 3, count: 60), [3]]
    var part = FakeResponse(206, [.contentRange: "bytes 19000000-19000099/20000000"], chunks)
    let partGate = Observed(1)
    part.gate = partGate
    part.failure = UpstreamError(.unreachable, "reset")
    let (target, gate) = try await startFill(fixture, parts: part)
    let response = await fixture.send(.get, target, [.range: "bytes=19000000-19000099"])
    #expect(response.status == 206)
    let count = fixture.registry.log.count
    gate.update { $0 = .max }
    while fixture.services.fills.count > 0 { await Task.yield() }
    partGate.update { $0 = .max }
    #expect(try await fixture.content(of: response).count == 100)
    #expect(fixture.registry.log.count == count)
  }

  @Test func `a part a little ahead of a fast fill comes from the fill`() async throws {
    var patience = Patience()
    patience.withPart = .seconds(600)
    let fixture = try ProxyFixture(delivery: .direct, patience: patience)
    let (target, gate) = try await startFill(fixture, parts: FakeResponse(404))
    async let response = fixture.send(.get, target, [.range: "bytes=7000000-7000099"])
    gate.update { $0 = .max }
    #expect(await response.status == 206)
    #expect(try await fixture.content(of: await response).count == 100)
  }

  @Test func `a far part is requested once from an upstream without ranges, then taken from the fill`() async throws {
    let fixture = try ProxyFixture(delivery: .direct)
    let (target, gate) = try await startFill(fixture, parts: FakeResponse(200, [:], [Self.large]))
    let whole = fixture.registry.log.count
    async let first = fixture.send(.get, target, [.range: "bytes=19000000-19000099"])
    while fixture.registry.log.count == whole { await Task.yield() }
    try await eventually { try fixture.services.blobs.rangeRefusals[Values.upstream("r.test")] != nil }
    async let second = fixture.send(.get, target, [.range: "bytes=18000000-18000099"])
    gate.update { $0 = .max }
    for response in [await first, await second] {
      #expect(response.status == 206)
      #expect(try await fixture.content(of: response).count == 100)
    }
    #expect(fixture.registry.log.count == whole + 1)
  }

  @Test func `a fill that fails before the part is reached is an error, not a response cut off`() async throws {
    let fixture = try ProxyFixture()
    let (target, gate) = try await startFill(fixture, parts: FakeResponse(200, [:], [Self.large]))
    let digest = try Values.digest(of: Self.large)
    async let part = fixture.send(.get, target, [.range: "bytes=19000000-19000099"])
    try await eventually { try fixture.services.blobs.rangeRefusals[Values.upstream("r.test")] != nil }
    fixture.services.fills.insert(digest, for: FillOrigin(repository: try Values.repository("r.test", "o/a"))).fill
      .end(.failed(.upstream(UpstreamError(.invalidResponse, "wrong bytes"))))
    #expect(await part.status == 502)
    gate.update { $0 = .max }
  }
}
