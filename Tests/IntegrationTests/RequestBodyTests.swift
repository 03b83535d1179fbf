internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct RequestBodyTests {
    /// Sends a request and returns the status and the first error code of the response.
    private func send(_ request: RawRequest, to stack: ProxyStack) async throws -> (Int, String) {
      let answer = try await stack.client.send(request).finish()
      return (answer.status, answer.errorCodes.first ?? "")
    }

    @Test func `a request body is drained or refused, and never parsed as the next request`() async throws {
      let registry = try ScriptedRegistry()
      registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      let smuggled = "GET /v2/app/manifests/smuggled HTTP/1.1\r\nHost: x\r\n\r\n"
      let host: HeaderLines = ["Host": "x", "Connection": "close"]

      var counted = RawRequest("GET", "/v2/", headers: host)
      counted.headers.append("Content-Length", "\(smuggled.utf8.count)")
      counted.body = Array(smuggled.utf8)
      #expect(try await send(counted, to: stack) == (200, ""))

      var chunked = RawRequest("GET", "/v2/", headers: host)
      chunked.headers.append("Transfer-Encoding", "chunked")
      chunked.body = Array("\(String(smuggled.utf8.count, radix: 16))\r\n\(smuggled)\r\n0\r\n\r\n".utf8)
      #expect(try await send(chunked, to: stack) == (200, ""))

      var both = chunked
      both.headers.append("Content-Length", "5")
      #expect(try await send(both, to: stack).0 == 400)

      var large = RawRequest("POST", "/v2/app/blobs/uploads/", headers: host)
      large.headers.append("Content-Length", "1000000")
      #expect(try await send(large, to: stack) == (413, "UNSUPPORTED"))

      #expect(try await stack.client.get("/v2/").status == 200)
      #expect(!registry.requests.contains { $0.target.contains("smuggled") })
      #expect(!stack.log.contains("smuggled"))
      await worker.stop()
    }
  }
}
