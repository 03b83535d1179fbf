internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Blobs" of `docs/request-handling.md`: a blob that is here on behalf of another repository.
struct BlobProofTests {
  private let fixture: ProxyFixture
  private let bytes = Array("a shared blob".utf8)
  private let digest: Digest
  private let other: String

  private var registry: FakeUpstream { fixture.registry }

  /// The blob is stored and linked to `o/a`.
  init() async throws {
    fixture = try ProxyFixture()
    digest = try Values.digest(of: bytes)
    other = "https://r.test/v2/o/b/blobs/\(digest)"
    fixture.registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", FakeAnswer(200, [:], [bytes]))
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)").status == 200)
  }

  private var questions: [String] { Array(registry.log.dropFirst()) }

  @Test(arguments: [HTTPRequest.Method.get, .head])
  func `upstream's word costs one HEAD, and is remembered`(_ method: HTTPRequest.Method) async throws {
    registry.on("HEAD \(other)", FakeAnswer(200, [.contentLength: "13"]))
    let first = await fixture.send(method, "/v2/o/b/blobs/\(digest)")
    let second = await fixture.send(method, "/v2/o/b/blobs/\(digest)")
    #expect(first.headers[.cacheStatus] == "regproxy; hit; detail=proved")
    #expect(second.headers[.cacheStatus] == "regproxy; hit; detail=stored")
    #expect(try await fixture.content(of: first) == bytes)
    #expect(questions == ["HEAD \(other)"])
  }

  @Test func `a redirect proves nothing and is the client's, signed for its method`() async {
    registry.on("HEAD \(other)", FakeAnswer(307, [.location: "https://s3.test/head"]))
    registry.on("GET \(other)", FakeAnswer(307, [.location: "https://s3.test/get"]))
    for (method, location) in [(HTTPRequest.Method.get, "https://s3.test/get"), (.head, "https://s3.test/head")] {
      let answer = await fixture.send(method, "/v2/o/b/blobs/\(digest)")
      #expect(answer.status == 307)
      #expect(answer.headers[.location] == location)
      #expect(answer.headers[.xCache] == "BYPASS")
    }
    // Nothing was taken for a proof: the next request asks again.
    #expect(questions == ["HEAD \(other)", "GET \(other)", "HEAD \(other)"])
  }

  @Test func `a GET that is answered proves what a redirect of HEAD left open`() async {
    registry.on("HEAD \(other)", FakeAnswer(307, [.location: "https://s3.test/head"]))
    registry.on("GET \(other)", FakeAnswer(206, [.contentRange: "bytes 0-0/13"], [[bytes[0]]]))
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").headers[.xCache] == "HIT")
  }

  @Test func `a HEAD that is refused is asked again as a GET of one byte`() async {
    registry.on("HEAD \(other)", FakeAnswer(401, [.wwwAuthenticate: "Basic"]))
    registry.on("GET \(other)", FakeAnswer(206, [.contentRange: "bytes 0-0/13"], [[bytes[0]]]))
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").headers[.xCache] == "HIT")
    #expect(questions == ["HEAD \(other)", "GET \(other)"])
    #expect(registry.requests.last?.headers[.range] == "bytes=0-0")
  }

  @Test(
    arguments: [
      (401, 404, "BLOB_UNKNOWN"), (403, 404, "BLOB_UNKNOWN"), (404, 404, "BLOB_UNKNOWN"),
      (429, 429, "TOOMANYREQUESTS"), (500, 502, "UNAVAILABLE"), (503, 503, "UNAVAILABLE"),
    ]
  )
  func `without upstream's word there is no hit`(_ upstream: Int, _ status: Int, _ code: String) async throws {
    let answer = FakeAnswer(upstream, upstream == 401 ? [.wwwAuthenticate: "Basic"] : [:])
    registry.on("HEAD \(other)", answer)
    registry.on("GET \(other)", answer)
    for _ in 0..<2 {
      let response = await fixture.send(.get, "/v2/o/b/blobs/\(digest)")
      #expect(response.status == status)
      #expect(try ErrorDocument.item(of: response).code == code)
    }
    #expect(!fixture.store.hasLink(to: digest, in: try Values.repository("r.test", "o/b")))
  }

  @Test func `without any answer there is no hit`() async {
    registry.fail("HEAD \(other)")
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == 502)
  }

  /// What an upstream says that has a page for every URL, or another blob, by HEAD and by GET.
  private static let noProofs: [HTTPFields] = [
    [.contentLength: "14"], [.contentLength: "19", .contentType: "text/html; charset=utf-8"],
    [.contentLength: "13", .contentType: "TEXT/HTML"],
    [.contentLength: "13", .dockerContentDigest: "sha256:\(String(repeating: "a", count: 64))"],
    [.contentLength: "13", .contentEncoding: "gzip"],
  ]

  @Test(arguments: noProofs, [HTTPRequest.Method.get, .head])
  func `an answer that is about something else proves nothing`(
    _ headers: HTTPFields,
    _ method: HTTPRequest.Method
  ) async throws {
    registry.on("HEAD \(other)", FakeAnswer(200, headers))
    for _ in 0..<2 { #expect(await fixture.send(method, "/v2/o/b/blobs/\(digest)").status == 502) }
    #expect(!fixture.store.hasLink(to: digest, in: try Values.repository("r.test", "o/b")))
  }

  @Test(
    arguments: [
      (FakeAnswer(206, [.contentRange: "bytes 0-0/13"], [[97]]), 200),
      (FakeAnswer(206, [.contentRange: "bytes 0-0/14"], [[97]]), 502),
      (FakeAnswer(200, [.contentLength: "13"]), 200), (FakeAnswer(200, [.contentLength: "14"]), 502),
      (FakeAnswer(404), 404),
    ]
  )
  func `a HEAD that tells no size is asked again as a GET of one byte`(
    _ answer: FakeAnswer,
    _ status: Int
  ) async throws {
    var head = FakeAnswer(200)
    for isChunked in [true, false] {
      head.isChunked = isChunked
      registry.on("HEAD \(other)", head)
      registry.on("GET \(other)", answer)
      #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == status)
      fixture.store.fileSystem.remove(fixture.store.layout.blobLink(digest, in: try Values.repository("r.test", "o/b")))
    }
  }

  @Test(arguments: [true, false])
  func `where no size is told only the content is a proof`(_ isRight: Bool) async throws {
    var head = FakeAnswer(200)
    head.isChunked = true
    var page = FakeAnswer(200, [.contentType: "application/json"], [isRight ? bytes : Array("{}".utf8)])
    page.isChunked = true
    registry.on("HEAD \(other)", head)
    registry.on("GET \(other)", page)
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == (isRight ? 200 : 502))
    #expect(fixture.store.hasLink(to: digest, in: try Values.repository("r.test", "o/b")) == isRight)
  }

  @Test func `a proof by content is one download for all, and goes on without them`() async throws {
    var head = FakeAnswer(200)
    head.isChunked = true
    let gate = Observed(0)
    registry.on("HEAD \(other)", head)
    registry.on("GET \(other)") { [bytes] request throws(UpstreamError) in
      var content = FakeAnswer(200, [:], [bytes])
      content.isChunked = true
      // The one byte that is asked for after HEAD comes as the whole.
      if request.headers[.range] == nil { content.gate = gate }
      return content
    }
    let clients = (0..<20).map { _ in Task { await fixture.send(.head, "/v2/o/b/blobs/\(digest)").status } }
    func downloads() -> Int { registry.requests.count { $0.method == .get && $0.headers[.range] == nil } }
    // The first was of the blob itself.
    while downloads() < 2 { await Task.yield() }
    for client in clients { client.cancel() }
    for client in clients { _ = await client.value }
    gate.update { $0 = .max }
    let repository = try Values.repository("r.test", "o/b")
    while !fixture.store.hasLink(to: digest, in: repository) { await Task.yield() }
    #expect(downloads() == 2)
    #expect(await fixture.send(.head, "/v2/o/b/blobs/\(digest)").headers[.xCache] == "HIT")
  }

  @Test func `an empty blob is asked for without a range`() async throws {
    let digest = try Values.digest(of: [UInt8]())
    try fixture.store.keep([], as: digest)
    let url = "https://r.test/v2/o/b/blobs/\(digest)"
    registry.on("HEAD \(url)", FakeAnswer(405))
    registry.on("GET \(url)") { request throws(UpstreamError) in
      request.headers[.range] == nil ? FakeAnswer(200) : FakeAnswer(416, [.contentRange: "bytes */0"])
    }
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == 200)
  }

  @Test func `a HEAD is answered with the size that a GET of one byte tells`() async throws {
    let digest = try Values.digest(of: "absent")
    let url = "https://r.test/v2/o/a/blobs/\(digest)"
    var head = FakeAnswer(200)
    head.isChunked = true
    registry.on("HEAD \(url)", head)
    registry.on("GET \(url)", FakeAnswer(206, [.contentRange: "bytes 0-0/6"], [[97]]))
    let answer = await fixture.send(.head, "/v2/o/a/blobs/\(digest)")
    #expect(answer.status == 200)
    #expect(answer.headers[.contentLength] == "6")
    #expect(!fixture.store.hasLink(to: digest, in: try Values.repository("r.test", "o/a")))
  }

  @Test func `another upstream has to say so itself`() async {
    #expect(await fixture.send(.get, "/v2/q.test/o/a/blobs/\(digest)").status == 404)
    #expect(registry.log.last == "HEAD https://q.test/v2/o/a/blobs/\(digest)")
  }

  @Test func `a manifest is no proof of a blob`() async throws {
    let manifest = #"{"layers":[{"digest":"\#(digest)"}]}"#
    registry.on(
      "GET https://r.test/v2/o/b/manifests/v1",
      .text(manifest, [.contentType: ManifestHandlerTests.index])
    )
    #expect(await fixture.send(.get, "/v2/o/b/manifests/v1").status == 200)
    #expect(await fixture.send(.get, "/v2/o/b/blobs/\(digest)").status == 404)
  }

  @Test(arguments: [(FakeAnswer(200, [.contentLength: "50000"]), 200), (FakeAnswer(404), 404)])
  func `who joins the download of another repository has to be proved too`(
    _ answer: FakeAnswer,
    _ status: Int
  ) async throws {
    let bytes = [UInt8](repeating: 7, count: 50_000)
    let digest = try Values.digest(of: bytes)
    let gate = Observed(1)
    var download = FakeAnswer(200, [:], [Array(bytes[..<20_000]), Array(bytes[20_000...])])
    download.gate = gate
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", download)
    registry.on("HEAD https://r.test/v2/o/b/blobs/\(digest)", answer)
    let first = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    let second = await fixture.send(.get, "/v2/o/b/blobs/\(digest)")
    gate.update { $0 = .max }
    #expect(try await fixture.content(of: first) == bytes)
    #expect(second.status == status)
    if status == 200 { #expect(try await fixture.content(of: second) == bytes) }
    #expect(questions == ["GET https://r.test/v2/o/a/blobs/\(digest)", "HEAD https://r.test/v2/o/b/blobs/\(digest)"])
  }

  @Test func `a client whose upstream tells another size than the download is answered by its own`() async throws {
    let bytes = [UInt8](repeating: 7, count: 50_000)
    let digest = try Values.digest(of: bytes)
    var liar = FakeAnswer(200, [.contentLength: String(Int64.max)], [Array(bytes[..<20_000]), []])
    liar.gate = Observed(1)
    registry.on("GET https://r.test/v2/o/a/blobs/\(digest)", liar)
    registry.on("GET https://r.test/v2/o/b/blobs/\(digest)", FakeAnswer(200, [:], [bytes]))
    let first = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(first.headers[.contentLength] == String(Int64.max))
    let second = await fixture.send(.get, "/v2/o/b/blobs/\(digest)")
    #expect(try await fixture.content(of: second) == bytes)
    liar.gate?.update { $0 = .max }
  }
}
