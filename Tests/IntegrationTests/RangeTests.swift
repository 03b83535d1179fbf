internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct RangeTests {
    private let registry: ScriptedRegistry
    private let bytes = DeterministicBytes.make(count: .megabytes(256), seed: 71)
    private let digest: String
    private let target: String

    init() throws {
      registry = try ScriptedRegistry()
      digest = sha256Digest(of: bytes)
      target = "/v2/app/blobs/\(digest)"
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { .paced($0, bytesPerSecond: 30_000_000) }
    }

    @Test func `the end of a cold blob is served at once, while the download runs`() async throws {
      // The download stops at its beginning until the ranges have arrived.
      let gate = Gate()
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { [count = bytes.count] rest in
        rest.count == count ? .gated(rest, at: .megabytes(1), gate) : .bytes(rest)
      }
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let answer = try await stack.client.get(target, headers: ["Range": "bytes=-10000"])
      #expect(answer.status == 206)
      #expect(answer.body == Array(bytes.suffix(10_000)))
      #expect(answer.headers["Content-Range"] == "bytes \(bytes.count - 10_000)-\(bytes.count - 1)/\(bytes.count)")
      #expect(answer.headers["Cache-Status"]?.contains("detail=range") == true)
      let far = try await stack.client.get(target, headers: ["Range": "bytes=80000000-80099999"])
      #expect(far.body == Array(bytes[80_000_000..<80_100_000]))
      gate.open()
      // Upstream sent one download and the ranges.
      #expect(try await stack.client.get(target).isWhole(digest))
      #expect(Double(registry.sentBytes) <= 1.1 * Double(bytes.count))
      try await eventually("the blob is stored") { try stack.storedBlobs() == [digest] }
      let beyond = try await stack.client.get(target, headers: ["Range": "bytes=\(bytes.count)-"])
      #expect(beyond.status == 416)
    }

    @Test func `parallel open-ended ranges bring the right bytes, however early clients leave`() async throws {
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let client = stack.client
      let (target, bytes) = (target, bytes)
      let length = Int.megabytes(4)
      try await withThrowingTaskGroup(of: Void.self) { group in
        for index in 0..<6 {
          group.addTask {
            let start = index * .megabytes(16)
            let stream = try await client.open("GET", target, headers: ["Range": "bytes=\(start)-"])
            #expect(try await stream.head().status == 206)
            try await stream.read(atLeast: length)
            let part = stream.received.prefix(length)
            #expect(part.elementsEqual(bytes[start..<start + part.count]))
            #expect(part.count >= length)
            stream.leave()
          }
        }
        try await group.waitForAll()
      }
    }

    @Test func `a blob that upstream cuts fifty times is one complete response`() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(32), seed: 72)
      let digest = sha256Digest(of: bytes)
      let stack = try await ProxyStack(dockerHub(at: registry), in: TemporaryDirectory())
      let partial = "\(stack.store)/partial/sha256/\(digest.dropFirst("sha256:".count))"
      // Cuts at any offset; the last connection brings the rest. Each cut waits until the worker has written bytes:
      // those in its buffers are lost at a cut, and after several cuts without progress it gives up.
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { rest in
        let piece = bytes.count / 60 + (rest.count &* 7919) % 100_000
        guard piece < rest.count else { return .bytes(rest) }
        return .cut(rest, after: piece) { fileSize(partial) > bytes.count - rest.count }
      }
      let worker = try await stack.startWorker()
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(registry.gets(of: digest) >= 50)
      #expect(try stack.storedBlobs() == [digest])
      await worker.stop()
    }
  }
}

/// Returns the size of a file in bytes, 0 without a file.
private func fileSize(_ path: String) -> Int {
  (try? FileManager.default.attributesOfItem(atPath: path)[.size] as? Int) ?? 0
}
