internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct WrongContentTests {
    enum Fault: String, CaseIterable, Sendable {
      case wrongDigest, empty, truncated, overlong, html, encoded

      func answer(for bytes: [UInt8]) -> ScriptedResponse {
        switch self {
        case .wrongDigest: ScriptedResponse(body: .bytes(bytes.dropLast() + [bytes[bytes.count - 1] ^ 1]))
        case .empty: ScriptedResponse(body: .bytes([]))
        case .truncated: ScriptedResponse(body: .truncated(bytes, after: bytes.count / 2))
        case .overlong: ScriptedResponse(body: .bytes(bytes + [0]))
        case .html:
          ScriptedResponse(
            headers: ["Content-Type": "text/html"],
            body: .bytes(Array("<html>".utf8) + bytes.dropFirst(6))
          )
        case .encoded: ScriptedResponse(headers: ["Content-Encoding": "gzip"], body: .bytes(bytes))
        }
      }
    }

    @Test(
      arguments: Fault.allCases,
      [Int.kilobytes(4), .megabytes(3)]
    )
    func `a wrong blob is neither stored nor a complete response, and the next valid one is stored`(
      fault: Fault,
      size: Int
    ) async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: size, seed: 5)
      let digest = registry.addBlob(bytes, to: "library/app")
      let path = "/v2/library/app/blobs/\(digest)"
      registry.answer(path, with: fault.answer(for: bytes))
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let wrong = try await stack.client.get("/v2/app/blobs/\(digest)")
      if wrong.status == 200 {
        #expect(!wrong.isComplete)
      } else {
        #expect((500...599).contains(wrong.status))
        #expect(wrong.errorCodes == ["UNAVAILABLE"])
      }
      try await eventually("the log gives the reason") {
        stack.logLines.contains { $0["message"] == "blob not stored" && $0["registry.reference"] == digest }
      }
      #expect(try stack.storedBlobs().isEmpty)
      registry.answer(path, with: ScriptedResponse(body: .bytes(bytes)))
      try await eventually("the right blob is served") {
        try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest)
      }
      #expect(try stack.storedBlobs() == [digest])
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
    }

    @Test func `a small blob without a length is served once complete`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 100_000, seed: 6)
      let digest = registry.addBlob(bytes, to: "library/app", .chunked(bytes))
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(answer.isWhole(digest))
      #expect(answer.headers["Content-Length"] == "100000")
    }

    private static let manifestType: HeaderLines = ["Content-Type": "application/vnd.oci.image.manifest.v1+json"]

    @Test(
      arguments: [
        ("html", ScriptedResponse(headers: ["Content-Type": "text/html"], body: .bytes(Array("<html>".utf8)))),
        ("no object", ScriptedResponse(headers: manifestType, body: .bytes(Array("[]".utf8)))),
        ("empty", ScriptedResponse(headers: manifestType, body: .bytes([]))),
        (
          "wrong digest",
          ScriptedResponse(
            headers: ["Content-Type": "application/json", "Docker-Content-Digest": sha256Digest(of: "x")],
            body: .bytes(Array("{}".utf8))
          )
        ),
        ("endless", ScriptedResponse(headers: manifestType, body: .endless)),
        (
          "encoded",
          ScriptedResponse(
            headers: manifestType.completed(by: ["Content-Encoding": "gzip"]),
            body: .bytes(Array("{}".utf8))
          )
        ),
      ]
    )
    func `a wrong manifest is a 502 and not stored`(what: String, answer: ScriptedResponse) async throws {
      let registry = try ScriptedRegistry()
      registry.answer("/v2/library/app/manifests/v1", with: answer)
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let wrong = try await stack.client.get("/v2/app/manifests/v1")
      #expect(wrong.status == 502, "\(what)")
      #expect(wrong.errorCodes == ["UNAVAILABLE"])
      #expect(try stack.storedBlobs().isEmpty)
      let digest = registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      #expect(try await stack.client.get("/v2/app/manifests/v1").isWhole(digest))
    }
  }
}
