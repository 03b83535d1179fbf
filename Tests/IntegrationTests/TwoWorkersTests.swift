internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct TwoWorkersTests {
    @Test func `readers of two workers share one download and one file`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(4), seed: 21)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(2), gate))
      let (stack, first) = try await ProxyStack.start(
        dockerHub(at: registry, "drain_timeout: 10m"),
        launch: .inherited
      )
      let ofFirst = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await ofFirst.read(atLeast: .megabytes(1))

      let second = try await stack.handOver(from: first)
      let ofSecond = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await ofSecond.read(atLeast: .megabytes(1))
      gate.open()
      #expect(try await ofFirst.finish().isWhole(digest))
      #expect(try await ofSecond.finish().isWhole(digest))
      #expect(try await first.waitForExit() == .code(0))
      try await eventually("the blob is stored") { try stack.storedBlobs() == [digest] }
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
      let left = FileManager.default.enumerator(atPath: "\(stack.store)/partial")?.compactMap { $0 as? String } ?? []
      #expect(left.filter { $0.contains("/") }.isEmpty)
      #expect(registry.gets(of: digest) == 1)
      await second.stop()
    }

    @Test(arguments: 1...20)
    func `a second worker resumes the download of a killed one, unnoticed by its readers`(seed: Int) async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(24), seed: 22)
      // A point anywhere in the blob at which the second worker has readers.
      let point = Int((UInt64(seed) &* 0x9E37_79B9_7F4A_7C15) % UInt64(bytes.count - .megabytes(6)))
      let digest = sha256Digest(of: bytes)
      // Bytes that wait in the kernel for a killed worker were sent in vain, so upstream stays only a little ahead.
      let gate = Gate()
      defer { gate.open() }
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { rest in
        rest.count == bytes.count
          ? .gated(rest, at: max(point, .kilobytes(500)) + .kilobytes(300), gate) : .bytes(rest)
      }
      let (stack, first) = try await ProxyStack.start(
        dockerHub(at: registry, "drain_timeout: 10m"),
        launch: .inherited
      )
      let ofFirst = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await ofFirst.read(atLeast: .kilobytes(500))
      let second = try await stack.handOver(from: first)
      var readers: [OpenExchange] = []
      for _ in 0..<5 { readers.append(try await stack.client.open("GET", "/v2/app/blobs/\(digest)")) }
      for reader in readers { try await reader.read(atLeast: point) }

      first.kill9()
      #expect(try await first.waitForExit() == .signal(9))
      #expect(try await !ofFirst.finish().isComplete)
      for reader in readers { #expect(try await reader.finish().isWhole(digest)) }
      #expect(registry.gets(of: digest) == 2)
      #expect(registry.requests.last?.headers["Range"]?.hasPrefix("bytes=") == true)
      #expect(Double(registry.sentBytes) <= 1.1 * Double(bytes.count))
      try await eventually("the blob is stored") { try stack.storedBlobs() == [digest] }
      await second.stop()
    }

    @Test func `a second worker requests the blob when the one that waits for upstream is killed`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(1), seed: 27)
      let digest = sha256Digest(of: bytes)
      let gate = Gate()
      defer { gate.open() }
      registry.answer("/v2/library/app/blobs/\(digest)") { [unowned registry] _ in
        ScriptedResponse(body: registry.gets(of: digest) == 1 ? .withheld(gate) : .bytes(bytes))
      }
      let (stack, first) = try await ProxyStack.start(
        dockerHub(at: registry, "drain_timeout: 10m"),
        launch: .inherited
      )
      let target = "/v2/app/blobs/\(digest)"
      async let ofFirst = stack.client.get(target)
      try await eventually("the first requests the blob") { registry.gets(of: digest) == 1 }
      let second = try await stack.handOver(from: first)
      async let ofSecond = stack.client.get(target)
      try await eventually("the second waits for the first") {
        try await stack.client.get("/_regproxy/metrics").text.contains("\nregproxy_fills 1\n")
      }
      #expect(registry.gets(of: digest) == 1)
      first.kill9()
      #expect(try await ofSecond.isWhole(digest))
      // nginx sends a request again whose kept connection ends before the response.
      let answer = try await ofFirst
      #expect(answer.status == 503 || answer.isWhole(digest))
      #expect(registry.gets(of: digest) == 2)
      #expect(try stack.storedBlobs() == [digest])
      await second.stop()
    }

    @Test func `a restarted worker resumes the partial download of a killed one`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(24), seed: 23)
      let digest = sha256Digest(of: bytes)
      let gate = Gate()
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { rest in
        rest.count == bytes.count ? .gated(rest, at: .megabytes(16), gate) : .bytes(rest)
      }
      let (stack, first) = try await ProxyStack.start(dockerHub(at: registry))
      let stream = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await stream.read(atLeast: .megabytes(15))
      first.kill9()
      #expect(try await first.waitForExit() == .signal(9))
      #expect(try await !stream.finish().isComplete)
      #expect(try stack.storedBlobs().isEmpty)

      let next = try await stack.startWorker(name: "next")
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      gate.open()
      let range = try #require(registry.requests.last?.headers["Range"])
      #expect(try #require(Int(range.dropFirst("bytes=".count).dropLast())) >= .megabytes(15))
      #expect(registry.requests.last?.headers["If-Range"] == "\"tag\"")
      #expect(Double(registry.sentBytes) <= 1.1 * Double(bytes.count))
      #expect(try stack.storedBlobs() == [digest])
      await next.stop()
    }

    @Test func `a complete partial file is verified, not downloaded again`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(1), seed: 26)
      let digest = sha256Digest(of: bytes)
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { .bytes($0) }
      let stack = try await ProxyStack(dockerHub(at: registry), in: TemporaryDirectory())
      let partial = "\(stack.store)/partial/sha256/\(digest.dropFirst("sha256:".count))"
      try FileManager.default.createDirectory(
        atPath: "\(stack.store)/partial/sha256",
        withIntermediateDirectories: true
      )
      try Data(bytes).write(to: URL(fileURLWithPath: partial))
      try Data(#"{"upstream":"docker.io","repository":"library/app","size":\#(bytes.count)}"#.utf8)
        .write(to: URL(fileURLWithPath: "\(partial).json"))
      let worker = try await stack.startWorker()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try stack.storedBlobs() == [digest])
      #expect(registry.sentBytes < 1000)
      await worker.stop()
    }

    @Test(arguments: ["longer", "wrong", "foreign", "unknown"])
    func `a partial file that is not a prefix of the blob is discarded`(kind: String) async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(1), seed: 24)
      let digest = sha256Digest(of: bytes)
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { .bytes($0) }
      let stack = try await ProxyStack(dockerHub(at: registry), in: TemporaryDirectory())
      let hex = digest.dropFirst("sha256:".count)
      try FileManager.default.createDirectory(
        atPath: "\(stack.store)/partial/sha256",
        withIntermediateDirectories: true
      )
      let garbage = DeterministicBytes.make(count: kind == "longer" ? .megabytes(2) : .kilobytes(100), seed: 25)
      try Data(garbage).write(to: URL(fileURLWithPath: "\(stack.store)/partial/sha256/\(hex)"))
      if kind != "unknown" {
        let upstream = kind == "foreign" ? "ghcr.io" : "docker.io"
        try Data(#"{"upstream":"\#(upstream)","repository":"library/app"}"#.utf8)
          .write(to: URL(fileURLWithPath: "\(stack.store)/partial/sha256/\(hex).json"))
      }
      let worker = try await stack.startWorker()
      let first = try await stack.client.get("/v2/app/blobs/\(digest)")
      // Wrong bytes of the same upstream are detected at the end, so no client has a complete response.
      #expect(first.isWhole(digest) == (kind != "wrong"))
      if kind == "wrong" { #expect(!first.isComplete) }
      try await stack.waitForDownloads()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try stack.storedBlobs() == [digest])
      await worker.stop()
    }
  }
}
