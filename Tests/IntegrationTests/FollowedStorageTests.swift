internal import Foundation
internal import RegistryTestSupport
internal import Synchronization
internal import Testing

extension IntegrationTests {
  struct FollowedStorageTests {
    private let registry: ScriptedRegistry
    private let storage: ScriptedRegistry

    init() throws {
      registry = try ScriptedRegistry()
      storage = try ScriptedRegistry()
    }

    /// Starts a proxy with several upstreams for the same registry, each with its own settings.
    private func start(_ upstreams: [String: String]) async throws -> ProxyStack {
      let entries = upstreams.map { "  \($0.key): {endpoints: [\"\(registry.url)\"], \($0.value)}" }.sorted()
      return try await ProxyStack.start("threads: {min: 4, max: 256}\nupstreams:\n" + entries.joined(separator: "\n"))
        .stack
    }

    private func listed(_ server: ScriptedRegistry, host: String = "127.0.0.1") -> String {
      "storage_hosts: [\"\(host):\(server.port)\"]"
    }

    private static let loopback = "allow_private: [127.0.0.0/8]"

    /// Scripts storage that sends part of the blob for a signature, then cuts the connection and refuses the signature.
    private func scriptExpiringSignatures(_ bytes: [UInt8], cuts: [Int]) -> (
      digest: String, signed: @Sendable () -> Int
    ) {
      let digest = sha256Digest(of: bytes)
      let state = Mutex((signed: 0, spent: Set<String>()))
      let box = SignatureBook(state: state)
      registry.answer("/v2/a/b/blobs/\(digest)") { [storage] _ in
        .redirect(307, to: "\(storage.url)/blob?signature=\(box.sign())")
      }
      storage.answer("/blob") { request in
        let signature = request.target.components(separatedBy: "signature=").last ?? ""
        guard let number = box.spend(signature) else { return ScriptedResponse(status: 403, body: .bytes([])) }
        let range = request.headers["Range"].flatMap { Int($0.dropFirst("bytes=".count).dropLast()) }
        let start = range ?? 0
        let end = number <= cuts.count ? cuts[number - 1] : bytes.count
        var headers: HeaderLines = ["ETag": "\"tag\""]
        if range != nil { headers.append("Content-Range", "bytes \(start)-\(bytes.count - 1)/\(bytes.count)") }
        return ScriptedResponse(
          status: range == nil ? 200 : 206,
          headers: headers,
          // Unpaced, bytes that wait in the kernel when a connection is cut would be sent in vain.
          body: end < bytes.count
            ? .truncated(Array(bytes[start...]), after: end - start, bytesPerSecond: 30_000_000)
            : .paced(Array(bytes[start...]), bytesPerSecond: 30_000_000)
        )
      }
      return (digest, { box.signed })
    }

    @Test func `a signature that expires in the middle of a blob is renewed, and the download resumes`() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(48), seed: 41)
      let cuts = [Int.megabytes(3), .megabytes(21), .megabytes(47)]
      let (digest, signed) = scriptExpiringSignatures(bytes, cuts: cuts)
      let stack = try await start(["s.test": "\(listed(storage)), \(Self.loopback), external_redirects: follow"])
      let answers = try await stack.client.getAtOnce(10, "/v2/s.test/a/b/blobs/\(digest)").map { try $0.get() }
      #expect(answers.allSatisfy { $0.isWhole(digest) })
      #expect(signed() == cuts.count + 1)
      #expect(Double(storage.sentBytes) <= 1.1 * Double(bytes.count), "\(storage.sentBytes) of \(bytes.count)")
      #expect(storage.requests.dropFirst().allSatisfy { $0.headers["If-Range"] == "\"tag\"" })
      #expect(try stack.storedBlobs() == [digest])
      #expect(stack.log.contains("download resumed"))
      #expect(!stack.log.contains("signature="))
    }

    @Test func `a signed URL that storage refuses is renewed once`() async throws {
      let bytes = DeterministicBytes.make(count: 100_000, seed: 42)
      let digest = sha256Digest(of: bytes)
      let count = Mutex(0)
      let counter = Counter(count)
      registry.answer("/v2/a/b/blobs/\(digest)") { [storage] _ in
        .redirect(302, to: "\(storage.url)/\(counter.next() == 1 ? "spent" : "fresh")")
      }
      storage.answer("/spent", with: ScriptedResponse(status: 403, body: .bytes(Array("<Error/>".utf8))))
      storage.answer("/fresh", with: ScriptedResponse(body: .bytes(bytes)))
      registry.answer("/v2/a/b/blobs/\(sha256Digest(of: "no"))", with: .redirect(302, to: "\(storage.url)/spent"))
      let stack = try await start(["s.test": "\(listed(storage)), \(Self.loopback), external_redirects: follow"])
      #expect(try await stack.client.get("/v2/s.test/a/b/blobs/\(digest)").isWhole(digest))
      #expect(storage.requests.map(\.path) == ["/spent", "/fresh"])
      let refused = try await stack.client.get("/v2/s.test/a/b/blobs/\(sha256Digest(of: "no"))")
      #expect(refused.status == 502)
      #expect(refused.text.contains("refused its URL twice"))
      #expect(storage.count("GET", "/spent") == 3)
    }

    @Test func `one upstream relays to a client that another upstream redirects`() async throws {
      let bytes = DeterministicBytes.make(count: 100_000, seed: 43)
      let digest = sha256Digest(of: bytes)
      registry.answer("/v2/a/b/blobs/\(digest)", with: .redirect(307, to: "\(storage.url)/blob"))
      storage.answer("/blob", with: ScriptedResponse(body: .bytes(bytes)))
      let common = "\(listed(storage)), \(Self.loopback)"
      let stack = try await start([
        "default.test": common,
        "far.test": "\(common), external_redirects: follow, relay_clients: [10.0.0.0/8]",
        "near.test": "\(common), relay_clients: [127.0.0.0/8]",
      ])
      #expect(try await stack.client.get("/v2/default.test/a/b/blobs/\(digest)").status == 307)
      #expect(try await stack.client.get("/v2/far.test/a/b/blobs/\(digest)").status == 307)
      #expect(storage.requests.isEmpty)
      #expect(try await stack.client.get("/v2/near.test/a/b/blobs/\(digest)").isWhole(digest))
      #expect(try await stack.client.get("/v2/near.test/a/b/blobs/\(digest)").headers["X-Cache"] == "HIT")
      #expect(storage.requests.count == 1)
    }

    @Test func `a hundred clients within a second cost upstream one GET and one HEAD`() async throws {
      let digest = sha256Digest(of: "learned")
      let location = "\(storage.url)/blob?Expires=9999999999&Signature=a%2Bb"
      registry.requireTokens(ScriptedTokens())
      registry.answer("/v2/a/b/blobs/\(digest)", with: .redirect(307, to: location))
      let stack = try await start(["s.test": ""])
      let client = stack.client
      let target = "/v2/s.test/a/b/blobs/\(digest)"
      for method in ["GET", "HEAD"] {
        let answers = try await withThrowingTaskGroup(of: HTTPExchange.self) { group in
          for _ in 0..<100 { group.addTask { try await client.exchange(method, target) } }
          return try await group.reduce(into: []) { $0.append($1) }
        }
        #expect(answers.allSatisfy { $0.status == 307 && $0.headers["Location"] == location })
        // The first GET met the challenge that asks for a token.
        #expect(registry.count(method, "/v2/a/b/blobs/\(digest)") == (method == "GET" ? 2 : 1))
      }
      #expect(storage.requests.isEmpty)
    }

    @Test(arguments: ["307", "302"])
    func `manifests and lists are followed to any host under any policy, and verified`(status: String) async throws {
      let manifest = #"{"schemaVersion":2,"mediaType":"application/vnd.oci.image.manifest.v1+json"}"#
      let digest = storage.addManifest(manifest, to: "elsewhere", tag: "v1")
      storage.answer(
        "/v2/elsewhere/tags/list",
        with: ScriptedResponse(
          headers: ["Content-Type": "application/json"],
          body: .bytes(Array(#"{"name":"a/b","tags":["v1"]}"#.utf8))
        )
      )
      let code = try #require(Int(status))
      for path in ["manifests/v1", "manifests/\(digest)", "tags/list"] {
        registry.answer("/v2/a/b/\(path)", with: .redirect(code, to: "\(storage.url)/v2/elsewhere/\(path)"))
      }
      let wrong = sha256Digest(of: "wrong")
      registry.answer(
        "/v2/a/b/manifests/\(wrong)",
        with: .redirect(code, to: "\(storage.url)/v2/elsewhere/manifests/v1")
      )
      registry.requireTokens(ScriptedTokens())
      let stack = try await start(["s.test": Self.loopback, "closed.test": ""])
      for reference in ["v1", digest] {
        let answer = try await stack.client.get("/v2/s.test/a/b/manifests/\(reference)")
        #expect(answer.isWhole(digest))
        #expect(try await stack.client.head("/v2/s.test/a/b/manifests/\(reference)").headers["X-Cache"] == "HIT")
      }
      #expect(try await stack.client.get("/v2/s.test/a/b/tags/list").text.contains("v1"))
      #expect(try await stack.client.get("/v2/s.test/a/b/manifests/\(wrong)").status == 502)
      let closed = try await stack.client.get("/v2/closed.test/a/b/manifests/v1")
      #expect(closed.status == 502)
      #expect(closed.text.contains("allow_private"))
      #expect(storage.requests.allSatisfy { !$0.headers.contains("Authorization") })
      #expect(try stack.storedBlobs() == [digest])
    }

    @Test func `a full response to a range request is not appended to the download`() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(2), seed: 44)
      let digest = sha256Digest(of: bytes)
      let counter = Counter(Mutex(0))
      registry.answer("/v2/a/b/blobs/\(digest)") { _ in
        ScriptedResponse(body: counter.next() == 1 ? .truncated(bytes, after: .megabytes(1)) : .bytes(bytes))
      }
      let stack = try await start(["s.test": ""])
      #expect(try await stack.client.get("/v2/s.test/a/b/blobs/\(digest)").isWhole(digest))
      #expect(registry.requests.last?.headers["Range"]?.hasPrefix("bytes=") == true)
      #expect(try stack.storedBlobs() == [digest])
    }

    @Test func `content that changes in the middle never completes a response and is not stored`() async throws {
      let bytes = DeterministicBytes.make(count: .megabytes(2), seed: 45)
      let digest = sha256Digest(of: bytes)
      let counter = Counter(Mutex(0))
      registry.answer("/v2/a/b/blobs/\(digest)") { _ in
        ScriptedResponse(
          body: counter.next() == 1
            ? .truncated(bytes, after: .megabytes(1))
            : .bytes(DeterministicBytes.make(count: .megabytes(2), seed: 46))
        )
      }
      let stack = try await start(["s.test": ""])
      let answer = try await stack.client.get("/v2/s.test/a/b/blobs/\(digest)")
      #expect(!answer.isComplete)
      #expect(try stack.storedBlobs().isEmpty)
    }
  }
}

/// The signatures that were issued and those that were used.
private final class SignatureBook: Sendable {
  private let state: Mutex<(signed: Int, spent: Set<String>)>

  init(state: consuming Mutex<(signed: Int, spent: Set<String>)>) { self.state = state }

  var signed: Int { state.withLock(\.signed) }

  func sign() -> Int {
    state.withLock {
      $0.signed += 1
      return $0.signed
    }
  }

  /// Returns the number of a signature at its first use, else nil.
  func spend(_ signature: String) -> Int? {
    state.withLock { $0.spent.insert(signature).inserted ? Int(signature) : nil }
  }
}

private final class Counter: Sendable {
  private let count: Mutex<Int>

  init(_ count: consuming Mutex<Int>) { self.count = count }

  func next() -> Int {
    count.withLock {
      $0 += 1
      return $0
    }
  }
}
