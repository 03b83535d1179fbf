internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct AddressTests {
    private let registry: ScriptedRegistry
    private let victim: ScriptedRegistry

    init() throws {
      registry = try ScriptedRegistry()
      victim = try ScriptedRegistry()
      victim.answer("/secret", with: ScriptedResponse(body: .bytes(Array("secret".utf8))))
    }

    /// Spellings of addresses that only this host or its network can reach.
    private static let hosts = [
      "127.0.0.1", "localhost", "2130706433", "0x7f000001", "0177.0.0.1", "127.1", "0.0.0.0", "[::1]", "[::]",
      "[::ffff:127.0.0.1]", "[::ffff:10.0.0.1]", "[64:ff9b::7f00:1]", "[fd00::1]", "[fe80::1]", "10.0.0.1",
      "172.16.0.1",
      "192.168.0.1", "100.64.0.1", "169.254.169.254",
    ]

    @Test func `a private address is never contacted for a blob or a manifest, in any spelling`() async throws {
      // The operator lists the hosts as storage, but allows no private network.
      let list = Self.hosts.map { "\"\($0)\"" }.joined(separator: ", ")
      let (stack, _) = try await ProxyStack.start(
        """
        threads: {min: 4, max: 64}
        upstreams:
          a.test: {endpoints: ["\(registry.url)"], storage_hosts: [\(list)], external_redirects: follow}
        """
      )
      for host in Self.hosts {
        let digest = sha256Digest(of: host)
        let location = "http://\(host):\(victim.port)/secret"
        registry.answer("/v2/a/b/blobs/\(digest)", with: .redirect(307, to: location))
        registry.answer("/v2/a/b/manifests/\(digest)", with: .redirect(307, to: location))
        for kind in ["blobs", "manifests"] {
          let answer = try await stack.client.get("/v2/a.test/a/b/\(kind)/\(digest)")
          #expect(answer.status == 502, "\(host)")
          #expect(answer.text.contains(host), "\(host): \(answer.text)")
          // A name that does not resolve is another error.
          if host != "localhost" || answer.text.contains("private") { #expect(answer.text.contains("allow_private")) }
        }
      }
      #expect(victim.requests.isEmpty)
      #expect(stack.log.contains("allow_private"))
    }

    @Test func `a redirect to an unlisted private address is passed to the client unchanged`() async throws {
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let digest = sha256Digest(of: "x")
      let location = "http://169.254.169.254/latest/meta-data?a=%2F"
      registry.answer("/v2/library/app/blobs/\(digest)", with: .redirect(307, to: location))
      let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(answer.status == 307)
      #expect(answer.headers["Location"] == location)
    }

    @Test func `only private networks that the operator allows are contacted`() async throws {
      let (stack, _) = try await ProxyStack.start(
        """
        threads: {min: 4, max: 64}
        upstreams:
          a.test:
            endpoints: ["\(registry.url)"]
            storage_hosts: ["localhost:\(victim.port)", 10.0.0.1]
            external_redirects: follow
            allow_private: [127.0.0.0/8, "::1"]
        """
      )
      let digest = sha256Digest(of: "secret")
      registry.answer("/v2/a/b/blobs/\(digest)", with: .redirect(307, to: "http://localhost:\(victim.port)/secret"))
      #expect(try await stack.client.get("/v2/a.test/a/b/blobs/\(digest)").isWhole(digest))
      #expect(victim.requests.first?.headers["Host"] == "localhost:\(victim.port)")
      let other = sha256Digest(of: "other")
      registry.answer("/v2/a/b/blobs/\(other)", with: .redirect(307, to: "http://10.0.0.1:\(victim.port)/secret"))
      #expect(try await stack.client.get("/v2/a.test/a/b/blobs/\(other)").status == 502)
    }

    @Test func `a redirect controls nginx and the client by nothing but its Location`() async throws {
      let digest = sha256Digest(of: "x")
      let planted: HeaderLines = [
        "Location": "\(victim.url)/secret", "X-Accel-Redirect": "/_regproxy/store/x", "X-Accel-Buffering": "no",
        "X-Accel-Expires": "9", "Status": "200 OK", "Set-Cookie": "planted=1", "Content-Type": "text/html",
        "Refresh": "0; url=http://planted.test/", "Link": "<http://planted.test/>", "WWW-Authenticate": "Basic",
        "Docker-Content-Digest": "sha256:planted", "Cache-Control": "public, max-age=99",
      ]
      registry.answer(
        "/v2/library/app/blobs/\(digest)",
        with: ScriptedResponse(status: 307, headers: planted, body: .bytes(Array("<html>planted</html>".utf8)))
      )
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      for method in ["GET", "HEAD"] {
        let answer = try await stack.client.exchange(method, "/v2/app/blobs/\(digest)")
        #expect(answer.status == 307)
        #expect(answer.length == 0)
        #expect(answer.headers.all("Location") == ["\(victim.url)/secret"])
        #expect(answer.headers.all("Cache-Control") == ["no-store"])
        #expect(answer.headers["Content-Length"] == "0")
        for name in ["Set-Cookie", "Refresh", "Link", "WWW-Authenticate", "Docker-Content-Digest", "X-Accel-Redirect"] {
          #expect(!answer.headers.contains(name), "\(name)")
        }
      }
      #expect(victim.requests.isEmpty)
    }

    @Test(arguments: [301, 302, 303, 307, 308])
    func `a redirect with an endless body is still a redirect`(status: Int) async throws {
      let digest = sha256Digest(of: "x")
      registry.answer(
        "/v2/library/app/blobs/\(digest)",
        with: ScriptedResponse(status: status, headers: ["Location": "\(victim.url)/secret"], body: .endless)
      )
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let answer = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(answer.status == status)
      #expect(answer.length == 0)
    }
  }
}
