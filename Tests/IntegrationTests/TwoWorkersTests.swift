internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  @Suite("Two workers with one store")
  struct TwoWorkersTests {
    @Test("Both download the same blob at once, each reader gets every bit, and one file stays")
    func sameBlob() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(4), seed: 21)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(2), gate))
      let (stack, first) = try await ProxyStack.start(dockerHub(at: registry), launch: .inherited)
      let ofFirst = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await ofFirst.read(atLeast: .megabytes(1))

      // The first takes no more requests, but finishes its stream.
      let second = try await stack.startWorker(name: "second")
      first.terminate()
      try await eventually("the first stops accepting") { stack.log.contains("\"worker stops\"") }
      let ofSecond = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await ofSecond.read(atLeast: .megabytes(1))
      #expect(registry.gets(of: digest) == 2)
      gate.open()
      #expect(try await ofFirst.finish().isWhole(digest))
      #expect(try await ofSecond.finish().isWhole(digest))
      #expect(try await first.waitForExit() == .code(0))
      try await eventually("the blob is kept") { try stack.keptBlobs() == [digest] }
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
      let left = FileManager.default.enumerator(atPath: "\(stack.store)/partial")?.compactMap { $0 as? String } ?? []
      #expect(left.filter { $0.contains("/") }.isEmpty)
      await second.stop()
    }
  }
}
