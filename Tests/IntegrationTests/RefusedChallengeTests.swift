internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct RefusedChallengeTests {
    private static let digest = "sha256:" + String(repeating: "0", count: 64)

    @Test(
      arguments: [
        nil, #"Basic realm="r""#, #"Bearer service="r""#, #"Bearer realm="no URL""#,
        #"Bearer realm="ftp://127.0.0.1/""#,
      ]
    )
    func `a 401 without a usable challenge is a 404 for every kind of content`(challenge: String?) async throws {
      let contents = [
        "manifests/v1": "MANIFEST_UNKNOWN", "manifests/\(Self.digest)": "MANIFEST_UNKNOWN",
        "blobs/\(Self.digest)": "BLOB_UNKNOWN", "tags/list": "NAME_UNKNOWN", "referrers/\(Self.digest)": "NAME_UNKNOWN",
      ]
      let registry = try ScriptedRegistry()
      let headers: HeaderLines = challenge.map { ["WWW-Authenticate": $0] } ?? [:]
      let refusal = ScriptedResponse(status: 401, headers: headers, body: .bytes(Array("refused".utf8)))
      for path in ["/v2/"] + contents.keys.map({ "/v2/library/app/\($0)" }) { registry.answer(path, with: refusal) }
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      for (path, code) in contents {
        for method in ["GET", "HEAD"] {
          let answer = try await stack.client.exchange(method, "/v2/app/\(path)")
          #expect(answer.status == 404, "\(method) \(path)")
          #expect(answer.errorCodes == (method == "GET" ? [code] : []))
          #expect(!answer.headers.contains("WWW-Authenticate"))
          #expect(worker.isRunning)
        }
      }
      await worker.stop()
      #expect(worker.exitIfOver == .code(0))
    }
  }
}
