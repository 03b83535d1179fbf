internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct HostileRequestTests {
    private static let digest = "sha256:" + String(repeating: "a", count: 64)

    /// Raw targets, and the error codes allowed in the response; nginx refuses some before the worker sees them.
    static let targets: [(target: String, codes: [String])] = [
      ("/v2/app/%2e%2e/secret/manifests/v1", ["NAME_INVALID"]),
      ("/v2/%2e%2e/%2e%2e/etc/passwd", ["NAME_INVALID", ""]),
      ("/v2/app/../secret/manifests/v1", ["NAME_INVALID"]),
      ("/v2/./app/manifests/v1", ["NAME_INVALID"]),
      ("/v2//app/manifests/v1", ["NAME_INVALID"]),
      ("/v2/app//manifests/v1", ["NAME_INVALID"]),
      ("/v2/app%0d%0aX-Evil:%201/manifests/v1", ["NAME_INVALID", ""]),
      ("/v2/app%00/manifests/v1", ["NAME_INVALID", ""]),
      ("/v2/App/manifests/v1", ["NAME_INVALID"]),
      ("/v2/app_/manifests/v1", ["NAME_INVALID"]),
      ("/v2/a..b/manifests/v1", ["NAME_INVALID"]),
      ("/v2/\(String(repeating: "a", count: 256))/manifests/v1", ["NAME_INVALID"]),
      ("/v2/app;x/manifests/v1", ["NAME_INVALID"]),
      ("/v2/app/manifests/v1#x", ["NAME_INVALID"]),
      ("/v2/app\\x/manifests/v1", ["NAME_INVALID"]),
      ("/v2/app\u{FC}/manifests/v1", ["NAME_INVALID"]),
      ("/v2/app/manifests/\(String(repeating: "a", count: 129))", ["TAG_INVALID"]),
      ("/v2/app/manifests/.hidden", ["TAG_INVALID"]),
      ("/v2/app/manifests/a%2Fb", ["NAME_INVALID"]),
      ("/v2/app/blobs/sha256:short", ["DIGEST_INVALID"]),
      ("/v2/app/blobs/SHA256:\(String(repeating: "a", count: 64))", ["DIGEST_INVALID"]),
      ("/v2/app/blobs/sha256:\(String(repeating: "A", count: 64))", ["DIGEST_INVALID"]),
      ("/v2/app/blobs/\(digest)a", ["DIGEST_INVALID"]),
      ("/v2/app/blobs/md5:\(String(repeating: "a", count: 32))", ["DIGEST_INVALID"]),
      ("/v2/app/blobs/sha256:../../../../etc/passwd", ["NAME_INVALID"]),
      ("/v2/app/blobs/latest", ["DIGEST_INVALID"]),
      ("/v2/app/manifests/v1?ns=evil.example", ["NAME_UNKNOWN"]),
      ("/v2/app/manifests/v1?ns=docker.io%0d%0aX-Evil:1", ["UNSUPPORTED"]),
      ("/v2/app/tags/list?n=-1", ["UNSUPPORTED"]),
      ("/v2/app/tags/list?n=many", ["UNSUPPORTED"]),
      ("/v2/unknown.example/app/manifests/v1", ["NAME_UNKNOWN"]),
      ("/unknown.example/v2/app/manifests/v1", ["NAME_UNKNOWN"]),
      ("/v2/app/nonsense/v1", ["UNSUPPORTED"]),
      ("/v1/search", ["UNSUPPORTED"]),
      ("/etc/passwd", ["UNSUPPORTED"]),
      ("/_regproxy_store/sha256/aa/\(String(repeating: "a", count: 64))", [""]),
      ("/_regproxy_store/../../../etc/passwd", ["NAME_INVALID", ""]),
      ("/v2/../_regproxy_store/sha256/aa/x", ["NAME_INVALID", ""]),
    ]

    @Test func `a hostile target gets a 4xx error, and upstream sees clean requests or none`() async throws {
      let registry = try ScriptedRegistry()
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      for (target, codes) in Self.targets {
        let answer = try await stack.client.get(target)
        #expect((400...499).contains(answer.status), "\(target)")
        #expect(answer.isComplete, "\(target)")
        #expect(codes.contains(answer.errorCodes.first ?? ""), "\(target): \(answer.status) \(answer.text)")
        #expect(answer.headers["X-Evil"] == nil)
      }
      for request in registry.requests {
        #expect(
          request.target.utf8.allSatisfy { $0 > 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "%") },
          "\(request.target)"
        )
        #expect(!request.target.contains(".."))
        #expect(request.headers["X-Evil"] == nil)
      }
    }

    @Test func `a target in absolute form means its path`() async throws {
      let registry = try ScriptedRegistry()
      let digest = registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let absolute = "http://\(stack.client.host)/v2/app/manifests/v1"
      #expect(try await stack.client.get(absolute).isWhole(digest))
      #expect(
        try await stack.client.get("http://\(stack.client.host)/v2/%2e%2e/x/manifests/v1").errorCodes == [
          "NAME_INVALID"
        ]
      )
    }

    @Test(arguments: ["POST", "PUT", "PATCH", "DELETE"])
    func `the body of a GET is ignored, and a method that writes is refused`(method: String) async throws {
      let registry = try ScriptedRegistry()
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      for path in ["/v2/app/blobs/uploads/", "/v2/app/manifests/v1", "/v2/auth", "/v2/"] {
        let answer = try await stack.client.exchange(method, path, headers: ["Content-Length": "0"])
        #expect(answer.status == 405)
        #expect(answer.errorCodes == ["UNSUPPORTED"])
        #expect(answer.headers["Allow"] == "GET, HEAD")
      }
      var request = RawRequest("GET", "/v2/", headers: ["Host": "x", "Content-Length": "5", "Connection": "close"])
      request.body = Array("hello".utf8)
      #expect(try await stack.client.send(request).finish().status == 200)
      #expect(registry.requests.isEmpty)
    }

    @Test func `a request for an unknown upstream gets an error that lists the known ones`() async throws {
      let registry = try ScriptedRegistry()
      registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let unknown = try await stack.client.asking(host: "nobody.mirror.test").get("/v2/app/manifests/v1")
      #expect(unknown.status == 404)
      #expect(unknown.errorCodes == ["NAME_UNKNOWN"])
      #expect(unknown.text.contains("ghcr.io"))
      #expect(registry.requests.isEmpty)
      for host in ["docker.mirror.test", "DOCKER.Mirror.Test:8080", "docker.mirror.test.", "anything.else"] {
        #expect(try await stack.client.asking(host: host).get("/v2/app/manifests/v1").status == 200, "\(host)")
      }
    }
  }
}
