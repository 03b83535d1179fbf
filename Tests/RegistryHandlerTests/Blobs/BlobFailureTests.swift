internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Errors" of `docs/request-handling.md`, and wrong content in "Downloads" of `docs/rules/blobs.md`.
struct BlobFailureTests {
  private static let large = [UInt8](repeating: 7, count: 100_000)

  private let fixture: ProxyFixture

  private var registry: FakeUpstream { fixture.registry }

  init() throws { fixture = try ProxyFixture() }

  private func expectNothingStored() {
    #expect(fixture.directory.files(below: fixture.store.layout.blobs).isEmpty)
    #expect(fixture.directory.files(below: fixture.store.layout.repositories).isEmpty)
  }

  @Test(
    arguments: [
      (400, 502, "UNAVAILABLE"), (401, 404, "BLOB_UNKNOWN"), (403, 404, "BLOB_UNKNOWN"), (404, 404, "BLOB_UNKNOWN"),
      (405, 502, "UNAVAILABLE"), (416, 502, "UNAVAILABLE"), (418, 502, "UNAVAILABLE"), (429, 429, "TOOMANYREQUESTS"),
      (500, 502, "UNAVAILABLE"), (502, 502, "UNAVAILABLE"), (503, 503, "UNAVAILABLE"), (504, 504, "UNAVAILABLE"),
      (206, 502, "UNAVAILABLE"), (304, 502, "UNAVAILABLE"),
    ]
  )
  func `a failure of upstream is never a 400 or 403`(_ upstream: Int, _ status: Int, _ code: String) async throws {
    let digest = try Values.digest(of: "x")
    registry.on(
      "GET https://r.test/v2/o/a/blobs/\(digest)",
      FakeResponse(upstream, upstream == 401 ? [.wwwAuthenticate: "Basic"] : [:])
    )
    for method in [HTTPRequest.Method.get, .head] {
      let response = await fixture.send(method, "/v2/o/a/blobs/\(digest)")
      #expect(response.status == status)
      let error = try ErrorDocument.item(of: response)
      #expect(error.code == code)
      #expect(error.detail?.upstream == "r.test")
      #expect(error.detail?.status == upstream)
    }
    expectNothingStored()
  }

  @Test(arguments: [(UpstreamError.Kind.unreachable, 502), (.timeout, 504), (.authentication, 502)])
  func `a missing response is a gateway error`(_ kind: UpstreamError.Kind, _ status: Int) async throws {
    let digest = try Values.digest(of: "x")
    registry.fail("GET https://r.test/v2/o/a/blobs/\(digest)", UpstreamError(kind, "no"))
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)").status == status)
    #expect(await fixture.send(.head, "/v2/o/a/blobs/\(digest)").status == status)
  }

  @Test(
    arguments: [
      FakeResponse(200, [:], [Array("y".utf8)]),
      FakeResponse(200, [:], [Array("xx".utf8)]),
      FakeResponse(200, [:], []),
      FakeResponse(200, [.contentLength: "2"], [Array("x".utf8)]),
      FakeResponse(200, [.contentLength: "0"], [Array("x".utf8)]),
      FakeResponse(200, [.contentEncoding: "gzip"], [Array("x".utf8)]),
    ]
  )
  func `a small blob with wrong bytes gets 502 and is not stored`(_ upstreamResponse: FakeResponse) async throws {
    let digest = try Values.digest(of: "x")
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", upstreamResponse)
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 502)
    #expect(try ErrorDocument.item(of: response).code == "UNAVAILABLE")
    expectNothingStored()
  }

  @Test(
    arguments: [
      FakeResponse(200, [:], [large.dropLast() + [8]]),
      FakeResponse(200, [:], [[8] + large.dropFirst()]),
      FakeResponse(200, [.contentLength: "100000"], [Array(large.dropLast())]),
      FakeResponse(200, [.contentLength: "99999"], [large]),
    ]
  )
  func `a large blob with wrong bytes is cut off and not stored`(_ upstreamResponse: FakeResponse) async throws {
    let digest = try Values.digest(of: Self.large)
    let gate = Observed(0)
    var upstreamResponse = upstreamResponse
    // The end comes once the response's head is on its way.
    upstreamResponse.chunks = [
      Array(upstreamResponse.chunks[0][..<50_000]), Array(upstreamResponse.chunks[0][50_000...]),
    ]
    if upstreamResponse.headers[.contentLength] == nil { upstreamResponse.headers[.contentLength] = "100000" }
    upstreamResponse.gate = gate
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", upstreamResponse)
    gate.update { $0 = 1 }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    gate.update { $0 = .max }
    await #expect(throws: BlobSourceFailure.self) { try await fixture.content(of: response) }
    while fixture.services.fills.count > 0 { await Task.yield() }
    expectNothingStored()
  }

  @Test func `a download that breaks off cuts its readers off`() async throws {
    let digest = try Values.digest(of: Self.large)
    let gate = Observed(1)
    var upstreamResponse = FakeResponse(200, [.contentLength: "100000"], [Array(Self.large[..<50_000]), []])
    upstreamResponse.failure = UpstreamError(.unreachable, "the connection broke")
    upstreamResponse.gate = gate
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", upstreamResponse)
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    gate.update { $0 = .max }
    await #expect(throws: BlobSourceFailure.self) { try await fixture.content(of: response) }
    while fixture.services.fills.count > 0 { await Task.yield() }
    expectNothingStored()
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [:], [Self.large]))
    let again = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(try await fixture.content(of: again) == Self.large)
  }

  @Test(arguments: [nil, "x", "1 000"])
  func `a HEAD without a size is an invalid response`(_ size: String?) async throws {
    let digest = try Values.digest(of: "x")
    var upstreamResponse = FakeResponse(200, size.map { [.contentLength: $0] } ?? [:])
    upstreamResponse.isChunked = true
    registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", upstreamResponse)
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", upstreamResponse)
    #expect(await fixture.send(.head, "/v2/o/a/blobs/\(digest)").status == 502)
  }
}
