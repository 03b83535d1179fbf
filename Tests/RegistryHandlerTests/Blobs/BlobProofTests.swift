internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Proof of a stored blob" of `docs/rules/blobs.md`.
struct BlobProofTests {
  private let fixture: ProxyFixture
  private let bytes = Array("a shared blob".utf8)
  private let digest: Digest
  private let other: String

  private var registry: FakeUpstream { fixture.registry }

  /// Stores the blob and links it to `o/a`.
  init() async throws {
    fixture = try ProxyFixture()
    digest = try Values.digest(of: bytes)
    other = "https://r.test/v2/o/b/blobs/\(digest)"
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeResponse(200, [:], [bytes]))
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)").status == 200)
  }

  private var proofRequests: [String] { Array(registry.log.dropFirst()) }

  @Test(arguments: [HTTPRequest.Method.get, .head])
  func `a proof costs one HEAD, and is remembered`(_ method: HTTPRequest.Method) async throws {
    registry.on("HEAD \(other)", FakeResponse(200, [.contentLength: "13"]))
    let first = await fixture.send(method, "/v2/o/b/blobs/\(digest)")
    let second = await fixture.send(method, "/v2/o/b/blobs/\(digest)")
    #expect(first.headers[.cacheStatus] == "regproxy; hit; detail=proved")
    #expect(second.headers[.cacheStatus] == "regproxy; hit; detail=stored")
    #expect(try await fixture.content(of: first) == bytes)
    #expect(proofRequests == ["HEAD \(other)"])
  }

  @Test func `a redirect proves nothing and goes to the client, signed for its method`() async {
    registry.on("HEAD \(other)", FakeResponse(307, [.location: "https://s3.test/head"]))
    registry.on("GET \(other)", FakeResponse(307, [.location: "https://s3.test/get"]))
    for (method, location) in [(HTTPRequest.Method.get, "https://s3.test/get"), (.head, "https://s3.test/head")] {
      let response = await fixture.send(method, "/v2/o/b/blobs/\(digest)")
      #expect(response.status == 307)
      #expect(response.headers[.location] == location)
      #expect(response.headers[.xCache] == "BYPASS")
    }
    // Nothing counted as a proof: the next request is sent upstream again.
    #expect(proofRequests == ["HEAD \(other)", "GET \(other)", "HEAD \(other)"])
  }

  @Test func `a successful GET is the proof after a redirected HEAD`() async {
    registry.on("HEAD \(other)", FakeResponse(307, [.location: "https://s3.test/head"]))
    registry.on("GET \(other)", FakeResponse(206, [.contentRange: "bytes 0-0/13"], [[bytes[0]]]))
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").headers[.xCache] == "HIT")
  }

  @Test func `a refused HEAD is followed by a GET of one byte`() async {
    registry.on("HEAD \(other)", FakeResponse(401, [.wwwAuthenticate: "Basic"]))
    registry.on("GET \(other)", FakeResponse(206, [.contentRange: "bytes 0-0/13"], [[bytes[0]]]))
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").headers[.xCache] == "HIT")
    #expect(proofRequests == ["HEAD \(other)", "GET \(other)"])
    #expect(registry.requests.last?.headers[.range] == "bytes=0-0")
  }

  @Test(
    arguments: [
      (401, 404, "BLOB_UNKNOWN"), (403, 404, "BLOB_UNKNOWN"), (404, 404, "BLOB_UNKNOWN"),
      (429, 429, "TOOMANYREQUESTS"), (500, 502, "UNAVAILABLE"), (503, 503, "UNAVAILABLE"),
    ]
  )
  func `a blob that upstream refuses is not a hit`(_ upstream: Int, _ status: Int, _ code: String) async throws {
    let refusal = FakeResponse(upstream, upstream == 401 ? [.wwwAuthenticate: "Basic"] : [:])
    registry.on("HEAD \(other)", refusal)
    registry.on("GET \(other)", refusal)
    for _ in 0..<2 {
      let response = await fixture.send(.get, "/v2/o/b/blobs/\(digest)")
      #expect(response.status == status)
      #expect(try ErrorDocument.item(of: response).code == code)
    }
    #expect(!fixture.store.hasLink(to: digest, in: try Values.repository("r.test", "o/b")))
  }

  @Test func `a blob is not a hit without upstream's response`() async {
    registry.fail("HEAD \(other)")
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == 502)
  }

  /// The headers of an upstream that has a page for every URL, or another blob.
  private static let noProofs: [HTTPFields] = [
    [.contentLength: "14"], [.contentLength: "19", .contentType: "text/html; charset=utf-8"],
    [.contentLength: "13", .contentType: "TEXT/HTML"],
    [.contentLength: "13", .dockerContentDigest: "sha256:\(String(repeating: "a", count: 64))"],
    [.contentLength: "13", .contentEncoding: "gzip"],
  ]

  @Test(arguments: noProofs, [HTTPRequest.Method.get, .head])
  func `a response about other content proves nothing`(
    _ headers: HTTPFields,
    _ method: HTTPRequest.Method
  ) async throws {
    registry.on("HEAD \(other)", FakeResponse(200, headers))
    for _ in 0..<2 { #expect(await fixture.send(method, "/v2/o/b/blobs/\(digest)").status == 502) }
    #expect(!fixture.store.hasLink(to: digest, in: try Values.repository("r.test", "o/b")))
  }

  @Test(
    arguments: [
      (FakeResponse(206, [.contentRange: "bytes 0-0/13"], [[97]]), 200),
      (FakeResponse(206, [.contentRange: "bytes 0-0/14"], [[97]]), 502),
      (FakeResponse(200, [.contentLength: "13"]), 200), (FakeResponse(200, [.contentLength: "14"]), 502),
      (FakeResponse(404), 404),
    ]
  )
  func `a HEAD without a size is followed by a GET of one byte`(
    _ response: FakeResponse,
    _ status: Int
  ) async throws {
    var head = FakeResponse(200)
    for isChunked in [true, false] {
      head.isChunked = isChunked
      registry.on("HEAD \(other)", head)
      registry.on("GET \(other)", response)
      #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == status)
      fixture.store.fileSystem.remove(fixture.store.layout.blobLink(digest, in: try Values.repository("r.test", "o/b")))
    }
  }

  @Test(arguments: [true, false])
  func `the content alone is a proof when upstream tells no size`(_ isRight: Bool) async throws {
    var head = FakeResponse(200)
    head.isChunked = true
    var page = FakeResponse(200, [.contentType: "application/json"], [isRight ? bytes : Array("{}".utf8)])
    page.isChunked = true
    registry.on("HEAD \(other)", head)
    registry.on("GET \(other)", page)
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == (isRight ? 200 : 502))
    #expect(fixture.store.hasLink(to: digest, in: try Values.repository("r.test", "o/b")) == isRight)
  }

  @Test func `a proof by content is one download for all clients, and continues without them`() async throws {
    var head = FakeResponse(200)
    head.isChunked = true
    let gate = Observed(0)
    registry.on("HEAD \(other)", head)
    registry.on("GET \(other)") { [bytes] request throws(UpstreamError) in
      var content = FakeResponse(200, [:], [bytes])
      content.isChunked = true
      // The one byte that is requested after HEAD comes as the whole.
      if request.headers[.range] == nil { content.gate = gate }
      return content
    }
    let clients = (0..<20).map { _ in Task { await fixture.send(.head, "/v2/o/b/blobs/\(digest)").status } }
    func downloads() -> Int { registry.requests.count { $0.method == .get && $0.headers[.range] == nil } }
    // The first download was of the blob itself.
    while downloads() < 2 { await Task.yield() }
    for client in clients { client.cancel() }
    for client in clients { _ = await client.value }
    gate.update { $0 = .max }
    let repository = try Values.repository("r.test", "o/b")
    while !fixture.store.hasLink(to: digest, in: repository) { await Task.yield() }
    #expect(downloads() == 2)
    #expect(await fixture.send(.head, "/v2/o/b/blobs/\(digest)").headers[.xCache] == "HIT")
  }

  @Test func `an empty blob is requested without a range`() async throws {
    let digest = try Values.digest(of: [UInt8]())
    try fixture.store.keep([], as: digest)
    let url = "https://r.test/v2/o/b/blobs/\(digest)"
    registry.on("HEAD \(url)", FakeResponse(405))
    registry.on("GET \(url)") { request throws(UpstreamError) in
      request.headers[.range] == nil ? FakeResponse(200) : FakeResponse(416, [.contentRange: "bytes */0"])
    }
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == 200)
  }

  @Test func `a HEAD gets the size from a GET of one byte`() async throws {
    let digest = try Values.digest(of: "absent")
    let url = "https://r.test/v2/o/a/blobs/\(digest)"
    var head = FakeResponse(200)
    head.isChunked = true
    registry.on("HEAD \(url)", head)
    registry.on("GET \(url)", FakeResponse(206, [.contentRange: "bytes 0-0/6"], [[97]]))
    let response = await fixture.send(.head, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == "6")
    #expect(!fixture.store.hasLink(to: digest, in: try Values.repository("r.test", "o/a")))
  }

  @Test func `another upstream has to prove the blob itself`() async {
    #expect(await fixture.send(.get, "/v2/q.test/o/a/blobs/\(digest)").status == 404)
    #expect(registry.log.last == "HEAD https://q.test/v2/o/a/blobs/\(digest)")
  }

  @Test func `a manifest is not a proof of a blob`() async throws {
    let manifest = #"{"layers":[{"digest":"\#(digest)"}]}"#
    registry.on(
      "GET https://r.test/v2/o/b/manifests/v1",
      .text(manifest, [.contentType: ManifestHandlerTests.index])
    )
    #expect(await fixture.send(.get, "/v2/o/b/manifests/v1").status == 200)
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == 404)
  }

  @Test(arguments: [(FakeResponse(200, [.contentLength: "50000"]), 200), (FakeResponse(404), 404)])
  func `a client that joins the download of another repository needs a proof too`(
    _ response: FakeResponse,
    _ status: Int
  ) async throws {
    let bytes = [UInt8](repeating: 7, count: 50_000)
    let digest = try Values.digest(of: bytes)
    let gate = Observed(1)
    var download = FakeResponse(200, [:], [Array(bytes[..<20_000]), Array(bytes[20_000...])])
    download.gate = gate
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", download)
    registry.on("HEAD https://r.test/v2/o/b/blobs/\(digest)", response)
    let first = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    let second = await fixture.send(.get, "/v2/o/b/blobs/\(digest)")
    gate.update { $0 = .max }
    #expect(try await fixture.content(of: first) == bytes)
    #expect(second.status == status)
    if status == 200 { #expect(try await fixture.content(of: second) == bytes) }
    #expect(
      proofRequests == ["GET https://r.test/v2/o/a/blobs/\(digest)", "HEAD https://r.test/v2/o/b/blobs/\(digest)"]
    )
  }

  @Test func `a client whose upstream tells another size than the download reads from its own upstream`() async throws {
    let bytes = [UInt8](repeating: 7, count: 50_000)
    let digest = try Values.digest(of: bytes)
    var liar = FakeResponse(200, [.contentLength: String(Int64.max)], [Array(bytes[..<20_000]), []])
    liar.gate = Observed(1)
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", liar)
    registry.on("GET https://r.test/v2/o/b/blobs/\(digest)", FakeResponse(200, [:], [bytes]))
    let first = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(first.headers[.contentLength] == String(Int64.max))
    let second = await fixture.send(.get, "/v2/o/b/blobs/\(digest)")
    #expect(try await fixture.content(of: second) == bytes)
    liar.gate?.update { $0 = .max }
  }
}
