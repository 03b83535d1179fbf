internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Blobs" and "Errors" of `docs/request-handling.md`: what upstream does wrong.
struct BlobFailureTests {
  private static let large = [UInt8](repeating: 7, count: 100_000)

  private let fixture: ProxyFixture

  private var registry: FakeUpstream { fixture.registry }

  init() throws { fixture = try ProxyFixture() }

  private func expectNothingKept() {
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
      FakeAnswer(upstream, upstream == 401 ? [.wwwAuthenticate: "Basic"] : [:])
    )
    for method in [HTTPRequest.Method.get, .head] {
      let response = await fixture.send(method, "/v2/o/a/blobs/\(digest)")
      #expect(response.status == status)
      let error = try ErrorDocument.item(of: response)
      #expect(error.code == code)
      #expect(error.detail?.upstream == "r.test")
      #expect(error.detail?.status == upstream)
    }
    expectNothingKept()
  }

  @Test(arguments: [(UpstreamError.Kind.unreachable, 502), (.timeout, 504), (.authentication, 502)])
  func `no answer is a gateway error`(_ kind: UpstreamError.Kind, _ status: Int) async throws {
    let digest = try Values.digest(of: "x")
    registry.fail("GET https://r.test/v2/o/a/blobs/\(digest)", UpstreamError(kind, "no"))
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)").status == status)
    #expect(await fixture.send(.head, "/v2/o/a/blobs/\(digest)").status == status)
  }

  @Test(
    arguments: [
      FakeAnswer(200, [:], [Array("y".utf8)]),
      FakeAnswer(200, [:], [Array("xx".utf8)]),
      FakeAnswer(200, [:], []),
      FakeAnswer(200, [.contentLength: "2"], [Array("x".utf8)]),
      FakeAnswer(200, [.contentLength: "0"], [Array("x".utf8)]),
      FakeAnswer(200, [.contentEncoding: "gzip"], [Array("x".utf8)]),
    ]
  )
  func `a small blob with other bytes is a 502 and not kept`(_ answer: FakeAnswer) async throws {
    let digest = try Values.digest(of: "x")
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", answer)
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 502)
    #expect(try ErrorDocument.item(of: response).code == "UNAVAILABLE")
    expectNothingKept()
  }

  @Test(
    arguments: [
      FakeAnswer(200, [:], [large.dropLast() + [8]]),
      FakeAnswer(200, [:], [[8] + large.dropFirst()]),
      FakeAnswer(200, [.contentLength: "100000"], [Array(large.dropLast())]),
      FakeAnswer(200, [.contentLength: "99999"], [large]),
    ]
  )
  func `a large blob with other bytes breaks off and is not kept`(_ answer: FakeAnswer) async throws {
    let digest = try Values.digest(of: Self.large)
    let gate = Observed(0)
    var answer = answer
    // The end comes once the answer's head is on its way.
    answer.chunks = [Array(answer.chunks[0][..<50_000]), Array(answer.chunks[0][50_000...])]
    if answer.headers[.contentLength] == nil { answer.headers[.contentLength] = "100000" }
    answer.gate = gate
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", answer)
    gate.update { $0 = 1 }
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    gate.update { $0 = .max }
    await #expect(throws: BlobSourceFailure.self) { try await fixture.content(of: response) }
    while fixture.services.fills.count > 0 { await Task.yield() }
    expectNothingKept()
  }

  @Test func `a download that breaks off breaks its readers off`() async throws {
    let digest = try Values.digest(of: Self.large)
    let gate = Observed(1)
    var answer = FakeAnswer(200, [.contentLength: "100000"], [Array(Self.large[..<50_000]), []])
    answer.failure = UpstreamError(.unreachable, "the connection broke")
    answer.gate = gate
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", answer)
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    gate.update { $0 = .max }
    await #expect(throws: BlobSourceFailure.self) { try await fixture.content(of: response) }
    while fixture.services.fills.count > 0 { await Task.yield() }
    expectNothingKept()
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeAnswer(200, [:], [Self.large]))
    let again = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(try await fixture.content(of: again) == Self.large)
  }

  @Test(arguments: [nil, "x", "1 000"])
  func `a HEAD without a size is an invalid answer`(_ size: String?) async throws {
    let digest = try Values.digest(of: "x")
    var answer = FakeAnswer(200, size.map { [.contentLength: $0] } ?? [:])
    answer.isChunked = true
    registry.on("HEAD https://r.test/v2/o/a/blobs/\(digest)", answer)
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", answer)
    #expect(await fixture.send(.head, "/v2/o/a/blobs/\(digest)").status == 502)
  }
}
