internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct FillTests {
    @Test func `twenty clients share one download, and each gets its first byte at once`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(64), seed: 1)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(1), gate))
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let client = stack.client
      let streams = try await withThrowingTaskGroup(of: OpenExchange.self) { group in
        for _ in 0..<20 {
          group.addTask {
            let stream = try await client.open("GET", "/v2/app/blobs/\(digest)")
            #expect(try await stream.read(atLeast: 1) >= 1)
            return stream
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      // Every client has some of the blob, and upstream has not sent the rest.
      gate.open()
      let answers = try await withThrowingTaskGroup(of: HTTPExchange.self) { group in
        for stream in streams { group.addTask { try await stream.finish() } }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(answers.count == 20)
      #expect(answers.allSatisfy { $0.isWhole(digest) })
      #expect(registry.gets(of: digest) == 1)
      #expect(try stack.storedBlobs() == [digest])
      #expect(try await stack.client.head("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
    }

    @Test func `a killed worker completes no response, and the next pull succeeds`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(64), seed: 2)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(16), gate))
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      var streams: [OpenExchange] = []
      for _ in 0..<20 { streams.append(try await stack.client.open("GET", "/v2/app/blobs/\(digest)")) }
      for stream in streams { #expect(try await stream.read(atLeast: .megabytes(1)) >= .megabytes(1)) }

      worker.kill9()
      #expect(try await worker.waitForExit() == .signal(9))
      let killed = ContinuousClock.now
      for stream in streams {
        let answer = try await stream.finish()
        #expect(!answer.isComplete)
        #expect(answer.length < bytes.count)
        // At once, not after one of nginx's time-outs, which are a minute or more.
        #expect(answer.endedAt - killed < .seconds(50))
      }
      #expect(try await stack.client.get("/v2/").status == 503)
      gate.open()
      #expect(try stack.storedBlobs().isEmpty)

      let next = try await stack.startWorker(name: "next")
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try stack.storedBlobs() == [digest])
      await next.stop()
    }

    @Test func `a client gets all that upstream has sent while upstream pauses`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(2), seed: 3)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: 200_000, gate))
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let stream = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      // nginx may hold back less than a packet of the worker's bytes.
      #expect(try await stream.read(atLeast: 198_000) >= 198_000)
      // A later client, and a client with a range.
      let second = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      #expect(try await second.read(atLeast: 100_000) >= 100_000)
      let part = try await stack.client.open("GET", "/v2/app/blobs/\(digest)", headers: ["Range": "bytes=1000-50999"])
      #expect(try await part.head().status == 206)
      let partial = try await part.finish()
      #expect(partial.body == Array(bytes[1000..<51_000]))
      #expect(partial.headers["Content-Range"] == "bytes 1000-50999/\(bytes.count)")
      gate.open()
      #expect(try await stream.finish().isWhole(digest))
      #expect(try await second.finish().isWhole(digest))
      #expect(registry.gets(of: digest) == 1)
    }

    @Test func `a large download without readers is abandoned, and the next client resumes it`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(80), seed: 5)
      let digest = sha256Digest(of: bytes)
      // Less than half arrives within a minute: a download with more would be worth finishing.
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { rest in
        rest.count == bytes.count ? .paced(rest, after: .megabytes(24), bytesPerSecond: 130_000) : .bytes(rest)
      }
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let streams = [
        try await stack.client.open("GET", "/v2/app/blobs/\(digest)"),
        try await stack.client.open("GET", "/v2/app/blobs/\(digest)"),
      ]
      for stream in streams { try await stream.read(atLeast: .megabytes(4)) }
      streams[0].leave()
      // One reader keeps the download going.
      try await streams[1].read(atLeast: .megabytes(23))
      streams[1].leave()
      try await eventually("the download is abandoned") { stack.log.contains("download abandoned") }
      #expect(registry.gets(of: digest) == 1)
      #expect(registry.sentBytes < .megabytes(40))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(registry.gets(of: digest) == 2)
      #expect(Double(registry.sentBytes) <= 1.1 * Double(bytes.count))
    }

    @Test func `a client that leaves ends its request, and the download continues`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(2), seed: 4)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(1), gate))
      let withheld = Gate()
      registry.answer("/v2/library/app/manifests/slow", with: ScriptedResponse(body: .withheld(withheld)))
      let yaml = "threads: {min: 1, max: 2}\nupstreams:\n  docker.io: {endpoints: [\"\(registry.url)\"]}"
      let (stack, _) = try await ProxyStack.start(yaml)
      let stream = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await stream.read(atLeast: 100_000)
      let waiting = try await stack.client.open("GET", "/v2/app/manifests/slow")
      try await eventually("upstream has the request") { registry.count("GET", "/v2/library/app/manifests/slow") == 1 }
      // Both requests wait for upstream now; both clients leave.
      stream.leave()
      waiting.leave()
      #expect(try await stack.client.get("/v2/").status == 200)
      gate.open()
      withheld.open()
      try await eventually("the blob is stored") { try stack.storedBlobs() == [digest] }
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
      #expect(registry.gets(of: digest) == 1)
    }
  }
}
