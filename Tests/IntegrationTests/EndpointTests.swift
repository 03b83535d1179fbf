internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct EndpointTests {
    private let first: ScriptedRegistry
    private let second: ScriptedRegistry
    private let bytes = DeterministicBytes.make(count: .megabytes(8), seed: 71)
    private let digest: String
    private let path: String
    private static let cut = Int.megabytes(3)

    init() throws {
      first = try ScriptedRegistry()
      second = try ScriptedRegistry()
      digest = sha256Digest(of: bytes)
      path = "/v2/library/app/blobs/\(digest)"
    }

    private func start(_ settings: String = "tag_ttl: 1m") async throws -> ProxyStack {
      let yaml = "upstreams:\n  docker.io: {endpoints: [\"\(first.url)\", \"\(second.url)\"], \(settings)}"
      return try await ProxyStack.start(yaml).stack
    }

    /// Lets the first endpoint cut the blob off, and send the same response to every range request.
    private func breakFirst(then answer: ScriptedResponse) {
      first.answer(path) { [bytes] request in
        request.headers["Range"] == nil
          ? ScriptedResponse(headers: ["ETag": "\"first\""], body: .truncated(bytes, after: Self.cut)) : answer
      }
    }

    @Test(arguments: [500, 503])
    func `an endpoint that responds with 5xx is skipped`(status: Int) async throws {
      let refusal = ScriptedResponse(status: status, body: .bytes([]))
      first.answer(path, with: refusal)
      first.answer("/v2/library/app/manifests/v1", with: refusal)
      second.addManifest(#"{"schemaVersion":2}"#, to: "library/app", tag: "v1")
      second.addBlob(bytes, to: "library/app")
      let stack = try await start()
      #expect(try await stack.client.get("/v2/app/manifests/v1").status == 200)
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try stack.storedBlobs().contains(digest))
    }

    @Test func `a revalidation behind a stale response moves from a silent endpoint to the next one`() async throws {
      let manifest = #"{"schemaVersion":2}"#
      for registry in [first, second] { registry.addManifest(manifest, to: "library/app", tag: "v1") }
      let stack = try await start("tag_ttl: 1s")
      #expect(try await stack.client.get("/v2/app/manifests/v1").headers["X-Cache"] == "MISS")
      let gate = Gate()
      first.answer("/v2/library/app/manifests/v1", with: ScriptedResponse(body: .withheld(gate)))
      try await eventually("the expired tag is revalidated") {
        try await stack.client.get("/v2/app/manifests/v1").headers["X-Cache"] == "STALE"
      }
      try await eventually("the other endpoint gets a request") { second.requests.map(\.method).contains("HEAD") }
      try await eventually("the response of the other endpoint has arrived") {
        try await stack.client.get("/v2/app/manifests/v1").headers["X-Cache"] == "HIT"
      }
      gate.open()
    }

    @Test func `an interrupted download resumes at the other endpoint within the same response`() async throws {
      breakFirst(then: ScriptedResponse(status: 503, body: .bytes([])))
      second.answerRanges(path, of: bytes) { .bytes($0) }
      let stack = try await start()
      let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(answer.status == 200 && answer.isWhole(digest))
      #expect(first.gets(of: digest) == 2)
      #expect(first.requests.map { $0.headers["If-Range"] } == [nil, "\"first\""])
      // The other endpoint has a validator of its own.
      #expect(second.requests.map { $0.headers["If-Range"] } == [nil])
      #expect(stack.logLines.compactMap { $0["upstream.endpoint"] } == ["\(first.url)/", "\(second.url)/"])
      // Bytes in flight when the connection broke may be lost.
      #expect(second.sentBytes < bytes.count - Self.cut / 2)
      #expect(try stack.storedBlobs() == [digest])
    }

    @Test func `the other endpoint sends the rest when the first goes away in the middle of a blob`() async throws {
      let gate = Gate()
      first.answer(path, with: ScriptedResponse(body: .gated(bytes, at: Self.cut, gate)))
      second.answerRanges(path, of: bytes) { .bytes($0) }
      let stack = try await start()
      let stream = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await stream.read(atLeast: .megabytes(2))
      first.stop()
      gate.open()
      #expect(try await stream.finish().isWhole(digest))
      #expect(second.sentBytes <= bytes.count - .megabytes(2))
    }

    @Test func `the leading bytes are skipped when the other endpoint sends the whole blob`() async throws {
      breakFirst(then: ScriptedResponse(status: 502, body: .bytes([])))
      second.addBlob(bytes, to: "library/app")
      let stack = try await start()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(second.sentBytes == bytes.count)
    }

    @Test(arguments: [404, 200])
    func `an endpoint without the blob, or with another one, does not end the download`(status: Int) async throws {
      let other = status == 200 ? DeterministicBytes.make(count: .megabytes(1), seed: 72) : []
      breakFirst(then: ScriptedResponse(status: 503, body: .bytes([])))
      second.answer(path) { [first, path, bytes] _ in
        first.answerRanges(path, of: bytes) { .bytes($0) }
        return ScriptedResponse(status: status, body: .bytes(other))
      }
      let stack = try await start()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(second.gets(of: digest) == 1)
    }

    @Test func `clients are cut off when no endpoint has the rest, and the next pull resumes the file`() async throws {
      breakFirst(then: ScriptedResponse(status: 404, body: .bytes([])))
      second.answer(path, with: ScriptedResponse(status: 404, body: .bytes([])))
      let stack = try await start()
      #expect(try await !stack.client.get("/v2/app/blobs/\(digest)").isComplete)
      #expect(try stack.storedBlobs().isEmpty)
      first.answerRanges(path, of: bytes) { .bytes($0) }
      let before = first.sentBytes
      try await stack.waitForDownloads()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(first.sentBytes - before < bytes.count - Self.cut / 2)
    }
  }
}
