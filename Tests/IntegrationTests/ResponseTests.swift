internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct ResponseTests {
    private static let manifest = "{\"schemaVersion\":2}"

    @Test func `upstream's headers neither steer nginx nor reach the client`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 100_000, seed: 10)
      let digest = registry.addBlob(bytes, to: "library/app")
      let hostile: HeaderLines = [
        "X-Accel-Redirect": "/_regproxy_store/x", "X-Accel-Limit-Rate": "1", "Set-Cookie": "a=b", "Status": "500",
        "X-Evil": "1", "Content-Type": "application/vnd.oci.image.manifest.v1+json",
      ]
      registry.answer("/v2/library/app/blobs/\(digest)", with: ScriptedResponse(headers: hostile, body: .bytes(bytes)))
      registry.answer(
        "/v2/library/app/manifests/v1",
        with: ScriptedResponse(headers: hostile, body: .bytes(Array(Self.manifest.utf8)))
      )
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      for _ in 0..<2 {
        for path in ["/v2/app/blobs/\(digest)", "/v2/app/manifests/v1"] {
          let answer = try await stack.client.get(path)
          #expect(answer.status == 200)
          #expect(answer.isComplete)
          for name in ["X-Accel-Redirect", "X-Accel-Limit-Rate", "Set-Cookie", "Status", "X-Evil"] {
            #expect(!answer.headers.contains(name), "\(name)")
          }
        }
      }
    }

    @Test func `nginx serves a stored blob with all its headers, by HEAD and in ranges`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 100_000, seed: 11)
      let digest = registry.addBlob(bytes, to: "library/app")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let first = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(first.headers["X-Cache"] == "MISS")
      let second = try await stack.client.get("/v2/app/blobs/\(digest)")
      let head = try await stack.client.head("/v2/app/blobs/\(digest)")
      for answer in [first, second, head] {
        #expect(answer.status == 200)
        #expect(answer.head.reason == "OK")
        #expect(answer.headers.all("Docker-Content-Digest") == [digest])
        #expect(answer.headers.all("Content-Type") == ["application/octet-stream"])
        #expect(answer.headers.all("Content-Length") == ["100000"])
        #expect(answer.headers.all("Accept-Ranges") == ["bytes"])
        #expect(answer.headers.all("Docker-Distribution-Api-Version") == ["registry/2.0"])
        #expect(answer.headers.all("ETag") == second.headers.all("ETag"))
        #expect(answer.headers["X-Request-Id"]?.count == 32)
      }
      for headers in [second.headers, head.headers] {
        #expect(headers["X-Cache"] == "HIT")
        #expect(headers["Cache-Status"] == "regproxy; hit; detail=stored")
      }
      let cases: [(String, Range<Int>)] = [
        ("bytes=0-0", 0..<1), ("bytes=99990-", 99_990..<100_000), ("bytes=-5", 99_995..<100_000),
        ("bytes=500-200000", 500..<100_000),
      ]
      for (range, part) in cases {
        let answer = try await stack.client.get("/v2/app/blobs/\(digest)", headers: ["Range": range])
        #expect(answer.status == 206)
        #expect(answer.body == Array(bytes[part]))
        #expect(answer.headers["Content-Range"] == "bytes \(part.lowerBound)-\(part.upperBound - 1)/100000")
        #expect(answer.headers["Docker-Content-Digest"] == digest)
      }
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)", headers: ["Range": "bytes=100000-"]).status == 416)
      let direct = "/_regproxy_store/sha256/\(digest.dropFirst(7).prefix(2))/\(digest.dropFirst(7))"
      #expect(try await stack.client.get(direct).status == 404)
      #expect(registry.gets(of: digest) == 1)
    }

    @Test func `a blob whose file is gone is fetched again`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 100_000, seed: 12)
      let digest = registry.addBlob(bytes, to: "library/app")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      try await stack.waitForDownloads()
      try FileManager.default.removeItem(atPath: stack.path(of: digest))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(registry.gets(of: digest) == 2)
    }

    @Test func `the worker sends a blob whose file nginx does not find, with all headers`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 100_000, seed: 12)
      let digest = registry.addBlob(bytes, to: "library/app")
      let stack = try await ProxyStack(dockerHub(at: registry), nginxSeesBlobs: false, in: TemporaryDirectory())
      _ = try await stack.startWorker()
      let target = "/v2/app/blobs/\(digest)"
      #expect(try await stack.client.get(target).isWhole(digest))
      let answer = try await stack.client.get(target)
      #expect(answer.isWhole(digest) && answer.headers["X-Cache"] == "HIT")
      #expect(answer.headers["Docker-Content-Digest"] == digest)
      let part = try await stack.client.get(target, headers: ["Range": "bytes=10-19"])
      #expect(part.status == 206 && part.body == Array(bytes[10..<20]))
      let head = try await stack.client.head(target)
      #expect(head.status == 200 && head.headers["Content-Length"] == "100000")
      #expect(registry.requests.count { $0.path.contains("/blobs/") } == 1)
      // The worker has sent the blob, after nginx redirected the request back to it.
      try await eventually("both requests are logged") {
        stack.logLines(reference: digest).count { $0["http.bytes"] == "100000" } == 2
      }
      // A file that is gone for the worker too is fetched again.
      try await stack.waitForDownloads()
      try FileManager.default.removeItem(atPath: stack.path(of: digest))
      #expect(try await stack.client.get(target).isWhole(digest))
      #expect(registry.gets(of: digest) == 2)
    }

    @Test func `a blob stored for another repository is served only once upstream confirms the blob`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 100_000, seed: 13)
      let digest = registry.addBlob(bytes, to: "team/private")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      #expect(try await stack.client.get("/v2/team/private/blobs/\(digest)").isWhole(digest))
      let refused = try await stack.client.get("/v2/team/other/blobs/\(digest)")
      #expect(refused.status == 404)
      #expect(refused.errorCodes == ["BLOB_UNKNOWN"])
      #expect(try await stack.client.head("/v2/team/other/blobs/\(digest)").status == 404)
      // Upstream's refusal is cached for a while.
      #expect(registry.count("HEAD", "/v2/team/other/blobs/\(digest)") == 1)
      registry.addBlob(bytes, to: "team/third")
      #expect(try await stack.client.get("/v2/team/third/blobs/\(digest)").isWhole(digest))
      for repository in ["other", "third"] {
        #expect(registry.count("GET", "/v2/team/\(repository)/blobs/\(digest)") == 0)
      }
      #expect(registry.count("HEAD", "/v2/team/third/blobs/\(digest)") == 1)
    }

    @Test
    func `a tag is fetched once in its lifetime, with every Accept line, and HEAD has all headers`() async throws {
      let registry = try ScriptedRegistry()
      let digest = registry.addManifest(Self.manifest, to: "library/app", tag: "v1")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      var accept = HeaderLines()
      let type = "application/vnd.oci.image.manifest.v1+json"
      for value in [
        "application/vnd.docker.distribution.manifest.v2+json", type, "application/vnd.oci.image.index.v1+json",
      ] {
        accept.append("Accept", value)
      }
      let head = try await stack.client.head("/v2/app/manifests/v1", headers: accept)
      #expect(head.status == 200)
      #expect(head.headers["Docker-Content-Digest"] == digest)
      #expect(head.headers["Content-Type"] == type)
      #expect(head.headers["Content-Length"] == "\(Self.manifest.utf8.count)")
      #expect(try await stack.client.get("/v2/app/manifests/v1", headers: accept).isWhole(digest))
      let asked = registry.requests.count
      for reference in ["v1", digest] {
        let hit = try await stack.client.get("/v2/app/manifests/\(reference)", headers: accept)
        #expect(hit.isWhole(digest))
        #expect(hit.headers["X-Cache"] == "HIT")
        let cached = try await stack.client.head("/v2/app/manifests/\(reference)", headers: accept)
        #expect(cached.headers["Content-Length"] == "\(Self.manifest.utf8.count)")
      }
      #expect(registry.requests.count == asked)
      let sent = registry.requests.first { $0.path.contains("manifests") }?.headers["Accept"] ?? ""
      for line in accept { #expect(sent.contains(line.value)) }
    }

    @Test func `an expired tag is served stale while upstream is down, but not after a 404`() async throws {
      let registry = try ScriptedRegistry()
      let digest = registry.addManifest(Self.manifest, to: "library/app", tag: "v1")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry, "defaults: {tag_ttl: 0s}"))
      #expect(try await stack.client.get("/v2/app/manifests/v1").isWhole(digest))
      registry.answer("/v2/library/app/manifests/v1", with: ScriptedResponse(status: 503, body: .bytes([])))
      let stale = try await stack.client.get("/v2/app/manifests/v1")
      #expect(stale.isWhole(digest))
      #expect(stale.headers["X-Cache"] == "STALE")
      #expect(stale.headers["Warning"]?.hasPrefix("299 ") == true)
      registry.addManifest(Self.manifest, to: "library/app", tag: "v2")
      #expect(try await stack.client.get("/v2/app/manifests/v2").isWhole(digest))
      registry.answer("/v2/library/app/manifests/v1", with: ScriptedResponse(status: 404, body: .bytes([])))
      let gone = try await stack.client.get("/v2/app/manifests/v1")
      #expect(gone.status == 404)
      #expect(gone.errorCodes == ["MANIFEST_UNKNOWN"])
      registry.stop()
      #expect(try await stack.client.get("/v2/app/manifests/v2").headers["X-Cache"] == "STALE")
    }

    @Test func `the link to the next page of a list leads back to the proxy`() async throws {
      let registry = try ScriptedRegistry()
      registry.answer("/v2/library/app/tags/list") { request in
        ScriptedResponse(
          headers: [
            "Content-Type": "application/json",
            "Link":
              "<\(request.target.contains("last=b") ? "/x" : "/v2/library/app/tags/list?last=b&n=2")>; rel=\"next\"",
          ],
          body: .bytes(Array(#"{"name":"library/app","tags":["a","b"]}"#.utf8))
        )
      }
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let list = try await stack.client.get("/v2/docker.io/app/tags/list?n=2")
      #expect(list.headers["Link"] == "</v2/docker.io/library/app/tags/list?last=b&n=2>; rel=\"next\"")
      #expect(registry.requests.last?.target == "/v2/library/app/tags/list?n=2")
    }

    @Test func `nginx responds with JSON and Retry-After while no worker runs`() async throws {
      let registry = try ScriptedRegistry()
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      await worker.stop()
      for path in ["/v2/", "/v2/app/manifests/v1", "/docker.io/v2/app/manifests/v1"] {
        let answer = try await stack.client.get(path)
        #expect(answer.status == 503)
        #expect(answer.errorCodes == ["UNAVAILABLE"])
        #expect(answer.headers["Retry-After"] == "5")
        #expect(answer.headers["Content-Type"] == "application/json")
      }
    }

    @Test func `a 502 names the upstream that is down`() async throws {
      let registry = try ScriptedRegistry()
      let digest = registry.addBlob([1, 2, 3], to: "library/app")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      registry.stop()
      for path in ["/v2/app/manifests/v1", "/v2/app/blobs/\(digest)"] {
        let answer = try await stack.client.get(path)
        #expect(answer.status == 502)
        #expect(answer.head.reason == "Bad Gateway")
        #expect(answer.text.contains("docker.io"))
      }
    }

    @Test func `the worker sends stored blobs itself when delivery is direct`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: 100_000, seed: 14)
      let digest = registry.addBlob(bytes, to: "library/app")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry, "delivery: direct"))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      let hit = try await stack.client.get("/v2/app/blobs/\(digest)")
      #expect(hit.isWhole(digest))
      #expect(hit.headers["X-Cache"] == "HIT")
      #expect(try await stack.logLine(of: hit)["http.bytes"] == "100000")
      let part = try await stack.client.get("/v2/app/blobs/\(digest)", headers: ["Range": "bytes=-7"])
      #expect(part.status == 206)
      #expect(part.body == Array(bytes.suffix(7)))
    }
  }
}
