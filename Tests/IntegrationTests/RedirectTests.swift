internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct RedirectTests {
    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect to the same origin is followed, and the blob is stored`(status: Int) async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 100_000, seed: 9)
      let digest = registry.addBlob(bytes, to: "library/app")
      registry.answer("/v2/library/app/blobs/\(digest)", with: .redirect(status, to: "/elsewhere?a=b%2Fc"))
      registry.answer("/elsewhere", with: ScriptedResponse(body: .bytes(bytes)))
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(registry.requests.last?.target == "/elsewhere?a=b%2Fc")
      #expect(try stack.storedBlobs() == [digest])
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect to another host is passed to the client unchanged`(status: Int) async throws {
      let storage = try ScriptedRegistry()
      let registry = try ScriptedRegistry()
      let tokens = ScriptedTokens()
      registry.requireTokens(tokens)
      let digest = registry.addBlob([1, 2, 3], to: "library/app")
      let location = "\(storage.url)/bucket/x?X-Amz-Signature=ab%2Fcd+e&long=\(String(repeating: "s", count: 16_000))"
      registry.answer("/v2/library/app/blobs/\(digest)", with: .redirect(status, to: location))
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      for method in ["GET", "HEAD"] {
        let answer = try await stack.client.exchange(method, "/v2/app/blobs/\(digest)")
        #expect(answer.status == status)
        #expect(answer.headers.all("Location") == [location])
        #expect(answer.length == 0)
        #expect(answer.headers["Cache-Control"] == "no-store")
        // A presigned URL is valid for one method: upstream gets the client's.
        #expect(registry.requests.last?.method == method)
      }
      #expect(storage.requests.isEmpty)
      #expect(try stack.storedBlobs().isEmpty)
      #expect(!stack.log.contains("X-Amz-Signature"))
    }

    @Test(
      arguments: [
        (ScriptedResponse(status: 307, body: .bytes([])), "without a Location"),
        (
          ScriptedResponse.redirect(307, to: "http://example.com/\(String(repeating: "s", count: 40_000))"),
          "longer than"
        ),
        (ScriptedResponse.redirect(307, to: "ftp://example.com/x"), "not a plain http or https URL"),
        (ScriptedResponse.redirect(307, to: "http://user:pw@example.com/x"), "not a plain http or https URL"),
        (ScriptedResponse.redirect(304, to: "/x"), "304"),
        (ScriptedResponse.redirect(300, to: "/x"), "300"),
      ]
    )
    func `a redirect that leads nowhere is a 502 with the reason`(answer: ScriptedResponse, reason: String) async throws
    {
      let registry = try ScriptedRegistry()
      let digest = registry.addBlob([1, 2, 3], to: "library/app")
      registry.answer("/v2/library/app/blobs/\(digest)", with: answer)
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let refused = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(refused.status == 502)
      #expect(refused.text.contains(reason), "\(refused.text)")
    }

    @Test func `a circle of redirects is a 502 after a few requests`() async throws {
      let registry = try ScriptedRegistry()
      let digest = registry.addBlob([1, 2, 3], to: "library/app")
      registry.answer("/v2/library/app/blobs/\(digest)", with: .redirect(307, to: "/a"))
      registry.answer("/a", with: .redirect(307, to: "/b"))
      registry.answer("/b", with: .redirect(307, to: "/a"))
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").status == 502)
      #expect(registry.requests.count < 10)
    }
  }
}
