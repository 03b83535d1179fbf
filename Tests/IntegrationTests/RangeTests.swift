internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  @Suite("Parts of blobs that are not here")
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

    @Test("The end of a cold blob comes at once, while the download runs")
    func suffix() async throws {
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let start = ContinuousClock.now
      let answer = try await stack.client.get(target, headers: ["Range": "bytes=-10000"])
      #expect(answer.endedAt - start < .seconds(1))
      #expect(answer.status == 206)
      #expect(answer.body == Array(bytes.suffix(10_000)))
      #expect(answer.headers["Content-Range"] == "bytes \(bytes.count - 10_000)-\(bytes.count - 1)/\(bytes.count)")
      #expect(answer.headers["Cache-Status"]?.contains("detail=range") == true)
      let far = try await stack.client.get(target, headers: ["Range": "bytes=80000000-80099999"])
      #expect(far.body == Array(bytes[80_000_000..<80_100_000]))
      #expect(far.endedAt - start < .seconds(2))
      // All of it is the one download, and the parts.
      #expect(try await stack.client.get(target).isWhole(digest))
      #expect(Double(registry.sentBytes) <= 1.1 * Double(bytes.count))
      try await eventually("the blob is on the disk") { try stack.keptBlobs() == [digest] }
      let beyond = try await stack.client.get(target, headers: ["Range": "bytes=\(bytes.count)-"])
      #expect(beyond.status == 416)
    }

    @Test("Parallel ranges without an end, each left when it has its part, bring the right bytes")
    func parallel() async throws {
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

    @Test("A blob that upstream cuts fifty times is one complete answer")
    func fiftyCuts() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(32), seed: 72)
      let digest = sha256Digest(of: bytes)
      // Anywhere; the last connection brings the rest.
      registry.answerRanges("/v2/library/app/blobs/\(digest)", of: bytes) { rest in
        let piece = bytes.count / 60 + (rest.count &* 7919) % 100_000
        return piece < rest.count ? .truncated(rest, after: piece, bytesPerSecond: 60_000_000) : .bytes(rest)
      }
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(registry.gets(of: digest) >= 50)
      #expect(try stack.keptBlobs() == [digest])
    }
  }
}
