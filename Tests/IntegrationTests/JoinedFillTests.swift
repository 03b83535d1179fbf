internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct JoinedFillTests {
    @Test func `clients of another repository join a download only once upstream confirms the blob`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(2), seed: 22)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "team/private", .gated(bytes, at: .megabytes(1), gate))
      registry.answer("/v2/team/allowed/blobs/\(digest)", with: ScriptedResponse(body: .bytes(bytes)))
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      let filling = try await stack.client.open("GET", "/v2/team/private/blobs/\(digest)")
      try await filling.read(atLeast: 500_000)

      let refused = try await stack.client.get("/v2/team/other/blobs/\(digest)")
      #expect(refused.status == 404)
      #expect(refused.errorCodes == ["BLOB_UNKNOWN"])
      let allowed = try await stack.client.open("GET", "/v2/team/allowed/blobs/\(digest)")
      #expect(try await allowed.read(atLeast: 500_000) >= 500_000)
      gate.open()
      #expect(try await filling.finish().isWhole(digest))
      #expect(try await allowed.finish().isWhole(digest))
      #expect(registry.gets(of: digest, in: "team/private") == 1)
      #expect(registry.gets(of: digest, in: "team/allowed") == 0)
      await worker.stop()
    }

    @Test func `twenty clients of an interrupted download are cut off, and none gets wrong bytes`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(8), seed: 23)
      let digest = registry.addBlob(bytes, to: "library/app", .truncated(bytes, after: .megabytes(5)))
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      for answer in try await stack.client.getAtOnce(20, "/v2/app/blobs/\(digest)").map({ try $0.get() }) {
        #expect(!answer.isWhole(digest))
        #expect(answer.status == 200 ? !answer.isComplete : (500...599).contains(answer.status))
      }
      try await eventually("no blob is left") { try stack.storedBlobs().isEmpty }
      registry.addBlob(bytes, to: "library/app")
      try await eventually("the right blob is served") {
        try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest)
      }
      await worker.stop()
    }

    @Test func `a range of a blob that is not stored downloads the whole blob`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(1), seed: 24)
      let digest = registry.addBlob(bytes, to: "library/app")
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      let part = try await stack.client.get("/v2/app/blobs/\(digest)", headers: ["Range": "bytes=1000000-"])
      #expect(part.status == 206)
      #expect(part.isComplete)
      #expect(part.body == Array(bytes[1_000_000...]))
      try await eventually("the blob is stored") { try stack.storedBlobs() == [digest] }
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(registry.requests.filter { $0.path.contains(digest) }.allSatisfy { !$0.headers.contains("Range") })
      #expect(registry.gets(of: digest) == 1)
      await worker.stop()
    }
  }
}
