internal import HTTPTypes
internal import RegistryTestSupport
internal import Testing

@testable internal import RegistryHandler

/// Table "Look-up" of `docs/rules/blobs.md`: absent, filling, stored.
struct BlobHandlerTests {
  private let fixture: ProxyFixture
  private let small = Array("a small blob".utf8)
  private let large: [UInt8]

  private var registry: FakeUpstream { fixture.registry }

  init() throws {
    fixture = try ProxyFixture()
    var random = SeededGenerator(seed: 2)
    large = random.bytes(200_000)
  }

  /// Offers a blob at `o/a` in chunks.
  private func publish(_ bytes: [UInt8], adjust: (inout FakeResponse) -> Void = { _ in }) throws -> Digest {
    let digest = try Values.digest(of: bytes)
    let starts = stride(from: 0, to: bytes.count, by: 30_000)
    var response = FakeResponse(200, [:], starts.map { Array(bytes[$0..<min($0 + 30_000, bytes.count)]) })
    adjust(&response)
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", response)
    return digest
  }

  private static func isFile(_ response: RegistryResponse, _ digest: Digest) -> Bool {
    if case .blob(digest) = response.body { true } else { false }
  }

  private static func isFromMemory(_ response: RegistryResponse) -> Bool {
    if case .bytes = response.body { true } else { false }
  }

  private static func isStream(_ response: RegistryResponse) -> Bool {
    if case .stream = response.body { true } else { false }
  }

  @Test func `a blob is downloaded once, then served from its file`() async throws {
    let digest = try publish(small)
    let miss = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    let hit = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(miss.headers[.cacheStatus] == "regproxy; fwd=uri-miss; stored; detail=fill")
    #expect(hit.headers[.cacheStatus] == "regproxy; hit; detail=stored")
    for response in [miss, hit] {
      #expect(response.status == 200)
      #expect(Self.isFromMemory(response))
      #expect(response.headers[.dockerContentDigest] == digest.description)
      #expect(response.headers[.contentType] == "application/octet-stream")
      #expect(response.headers[.cacheControl] == "max-age=31536000, immutable")
      #expect(try await fixture.content(of: response) == small)
    }
    #expect(registry.log == ["GET https://r.test/v2/o/a/blobs/\(digest)"])
  }

  @Test(arguments: [(0, true), (1, true), (32_768, true), (32_769, false)])
  func `a small stored blob is sent from memory, unless the client wants less than all of it`(
    _ size: Int,
    _ isSmall: Bool
  ) async throws {
    let bytes = [UInt8](repeating: 5, count: size)
    let digest = try publish(bytes)
    let target = "/v2/o/a/blobs/\(digest)"
    _ = try await fixture.content(of: await fixture.send(.get, target))
    while fixture.services.fills.count > 0 { await Task.yield() }
    let whole = await fixture.send(.get, target)
    #expect(Self.isFromMemory(whole) == isSmall)
    #expect(Self.isFile(whole, digest) != isSmall)
    #expect(try await fixture.content(of: whole) == bytes)
    if isSmall {
      #expect(whole.headers[.contentLength] == "\(size)")
      #expect(whole.headers[.acceptRanges] == "bytes")
      #expect(whole.headers[.lastModified] == "Sun, 09 Sep 2001 01:46:40 GMT")
    }
    #expect(Self.isFile(await fixture.send(.head, target), digest))
    for name in [HTTPField.Name.range, .ifNoneMatch, .ifModifiedSince] {
      #expect(Self.isFile(await fixture.send(.get, target, [name: "bytes=0-0"]), digest))
    }
  }

  @Test func `a large blob is streamed while it arrives`() async throws {
    let gate = Observed(0)
    let digest = try publish(large) { $0.gate = gate }
    gate.update { $0 = 1 }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    #expect(Self.isStream(response))
    #expect(response.headers[.contentLength] == "200000")
    #expect(response.headers[.acceptRanges] == "bytes")
    #expect(response.headers[.xCache] == "MISS")
    #expect(fixture.store.size(of: digest) == nil)
    gate.update { $0 = .max }
    #expect(try await fixture.content(of: response) == large)
    #expect(Self.isFile(await fixture.send(.get, "/v2/o/a/blobs/\(digest)"), digest))
    #expect(registry.log.count == 1)
  }

  @Test func `a range of an arriving blob is streamed alone`() async throws {
    let gate = Observed(0)
    let digest = try publish(large) { $0.gate = gate }
    gate.update { $0 = 1 }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)", [.range: "bytes=100000-100009"])
    gate.update { $0 = .max }
    #expect(response.status == 206)
    #expect(response.headers[.contentLength] == "10")
    #expect(response.headers[.contentRange] == "bytes 100000-100009/200000")
    #expect(try await fixture.content(of: response).elementsEqual(large[100_000..<100_010]))
  }

  @Test func `a blob of unknown size is sent when it is complete`() async throws {
    let digest = try publish(large) { $0.isChunked = true }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(Self.isFile(response, digest))
    #expect(try await fixture.content(of: response) == large)
  }

  @Test(arguments: [true, false])
  func `twenty simultaneous clients share one download`(_ isLarge: Bool) async throws {
    let bytes = isLarge ? large : small
    let digest = try publish(bytes)
    try await withThrowingTaskGroup(of: [UInt8].self) { group in
      for _ in 0..<20 {
        group.addTask { try await fixture.content(of: await fixture.send(.get, "/v2/o/a/blobs/\(digest)")) }
      }
      for try await read in group { #expect(read == bytes) }
    }
    #expect(registry.log == ["GET https://r.test/v2/o/a/blobs/\(digest)"])
  }

  @Test func `a client that leaves does not end the download`() async throws {
    let gate = Observed(0)
    let digest = try publish(small) { $0.gate = gate }
    let leaving = Task { await fixture.send(.get, "/v2/o/a/blobs/\(digest)") }
    while registry.log.isEmpty { await Task.yield() }
    leaving.cancel()
    #expect(await leaving.value.status == 503)
    gate.update { $0 = .max }
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)").status == 200)
    #expect(registry.log.count == 1)
  }

  @Test func `a HEAD of an absent blob is sent upstream and downloads nothing`() async throws {
    let digest = try publish(small)
    let response = await fixture.send(.head, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == String(small.count))
    #expect(response.headers[.acceptRanges] == "bytes")
    #expect(response.headers[.dockerContentDigest] == digest.description)
    #expect(response.headers[.xCache] == "BYPASS")
    #expect(registry.log == ["HEAD https://r.test/v2/o/a/blobs/\(digest)"])
    #expect(fixture.store.size(of: digest) == nil)
  }

  @Test func `an evicted blob is downloaded again`() async throws {
    let digest = try publish(small)
    _ = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    while fixture.services.fills.count > 0 { await Task.yield() }
    fixture.store.fileSystem.remove(fixture.store.layout.blob(digest))
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)").headers[.xCache] == "MISS")
    #expect(registry.log.count == 2)
  }

  @Test func `a file that nginx could not open is streamed`() async throws {
    let digest = try publish(large)
    _ = try await fixture.content(of: await fixture.send(.get, "/v2/o/a/blobs/\(digest)"))
    while fixture.services.fills.count > 0 { await Task.yield() }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)", isRetryAfterEviction: true)
    #expect(Self.isStream(response))
    #expect(response.headers[.xCache] == "HIT")
    #expect(try await fixture.content(of: response) == large)
  }

  @Test func `a redirect to storage goes to the client, and nothing is stored`() async throws {
    let location = "https://s3.test/k?X-Amz-Signature=a%2Fb"
    let digest = try publish(small) { $0 = FakeResponse(307, [.location: location]) }
    for method in [HTTPRequest.Method.get, .head] {
      let response = await fixture.send(method, "/v2/o/a/blobs/\(digest)")
      #expect(response.status == 307)
      #expect(response.headers[.location] == location)
      #expect(response.headers[.contentLength] == "0")
      #expect(response.headers[.cacheControl] == "no-store")
      #expect(response.headers[.xCache] == "BYPASS")
    }
    #expect(registry.requests.allSatisfy { $0.url.host == "r.test" })
    // The marks of requests are in one file that stays.
    #expect(fixture.directory.files(below: fixture.store.layout.root) == [fixture.store.layout.requestsLock])
  }
}
