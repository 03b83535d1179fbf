internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  /// docker-registry on its S3 driver, which redirects blob requests to signed URLs.
  struct SignedStorageTests {
    private let directory: TemporaryDirectory
    private let storage: ObjectStorage
    private let registry: LocalRegistry
    private let image: LocalRegistry.Image
    private let layer: String

    init() async throws {
      directory = try TemporaryDirectory()
      storage = try await ObjectStorage.start(in: directory)
      registry = try await LocalRegistry.start(in: directory, storage: storage)
      image = try await registry.push(
        "team/app",
        tag: "v1",
        layers: [.kilobytes(4), .megabytes(12)],
        in: directory
      )
      layer = image.blobs[1]
    }

    private func start(_ settings: String) async throws -> ProxyStack {
      try await ProxyStack.start(
        """
        threads: {min: 4, max: 64}
        upstreams:
          s3.test: {endpoints: ["http://127.0.0.1:\(registry.port)"], default: true, \(settings)}
        """
      ).stack
    }

    private var onTheList: String { "storage_hosts: [\"127.0.0.1:\(storage.port)\"], allow_private: [127.0.0.0/8]" }

    private func pull(_ stack: ProxyStack, to name: String) async throws {
      let target = try directory.makeDirectory(name)
      let source = "docker://\(stack.client.host)/team/app:v1"
      try await ManagedProcess.run(
        ProcessLaunch("skopeo", ["copy", "-q", "--src-tls-verify=false", source, "dir:\(target)"]),
        in: directory
      )
      for digest in image.blobs {
        #expect(try sha256Digest(ofFile: "\(target)/\(digest.dropFirst("sha256:".count))") == digest)
      }
      #expect(try sha256Digest(ofFile: "\(target)/manifest.json") == image.manifest)
    }

    private func expectUntouchedSignatures() {
      #expect(!storage.requests.isEmpty)
      #expect(storage.requests.allSatisfy { $0.refusal == nil })
      #expect(storage.requests.allSatisfy { !$0.headers.contains("Authorization") && !$0.headers.contains("Cookie") })
    }

    @Test(arguments: ["GET", "HEAD"])
    func `a client fetches the signed URL under passthrough, and nothing is stored`(method: String) async throws {
      let stack = try await start("\(onTheList), external_redirects: passthrough")
      let answer = try await stack.client.exchange(method, "/v2/team/app/blobs/\(layer)")
      #expect(answer.status == 307)
      #expect(answer.headers["Content-Length"] == "0")
      #expect(answer.headers["Cache-Control"] == "no-store")
      let location = try #require(answer.headers["Location"])
      let prefix = "http://127.0.0.1:\(storage.port)"
      #expect(location.hasPrefix("\(prefix)/") && location.contains("X-Amz-Signature="))
      // The URL is valid for the client's method only.
      let target = String(location.dropFirst(prefix.count))
      let other = method == "GET" ? "HEAD" : "GET"
      let signed = HTTPClient(port: storage.port)
      let fetched = try await signed.exchange(method, target)
      #expect(fetched.status == 200)
      if method == "GET" { #expect(fetched.isWhole(layer)) }
      #expect(try await signed.exchange(other, target).status == 403)
      #expect(try await signed.exchange(method, target, headers: ["Authorization": "Bearer x"]).status == 400)
      #expect(storage.requests.map(\.target) == [target, target, target])
      #expect(try stack.storedBlobs().isEmpty)
      #expect(!stack.log.contains("X-Amz-Signature"))
    }

    @Test func `skopeo pulls through redirects, and only the manifest is stored`() async throws {
      let stack = try await start("\(onTheList), external_redirects: passthrough")
      try await pull(stack, to: "first")
      expectUntouchedSignatures()
      #expect(storage.requests.allSatisfy { !($0.headers["User-Agent"] ?? "").contains("regproxy") })
      #expect(try stack.storedBlobs() == [image.manifest])
    }

    @Test func `a followed blob is stored, and nginx serves the second pull`() async throws {
      let stack = try await start("\(onTheList), external_redirects: follow")
      let head = try await stack.client.head("/v2/team/app/blobs/\(layer)")
      #expect(head.status == 200)
      #expect(head.headers["Content-Length"] == "\(Int.megabytes(12))")
      #expect(storage.requests.map(\.method) == ["HEAD"])
      try await pull(stack, to: "first")
      expectUntouchedSignatures()
      #expect(storage.requests.allSatisfy { $0.headers["User-Agent"]?.hasPrefix("regproxy-fcgi/") == true })
      #expect(try stack.storedBlobs() == Set(image.blobs + [image.manifest]))

      let before = storage.requests.count
      try await pull(stack, to: "second")
      let raw = try await stack.client.get("/v2/team/app/blobs/\(layer)")
      #expect(raw.isWhole(layer))
      #expect(raw.headers["X-Cache"] == "HIT")
      #expect(try await stack.logLine(of: raw)["http.bytes"] == "0")
      #expect(storage.requests.count == before)
      #expect(!stack.log.contains("X-Amz-Signature"))
    }

    @Test func `a redirect to unlisted storage is passed to the client even under follow`() async throws {
      let stack = try await start("external_redirects: follow, allow_private: [127.0.0.0/8]")
      for method in ["GET", "HEAD"] {
        #expect(try await stack.client.exchange(method, "/v2/team/app/blobs/\(layer)").status == 307)
      }
      try await pull(stack, to: "first")
      #expect(storage.requests.allSatisfy { !($0.headers["User-Agent"] ?? "").contains("regproxy") })
      #expect(try stack.storedBlobs() == [image.manifest])
    }

    @Test func `storage on a private network is not contacted until the operator allows the network`() async throws {
      let stack = try await start("storage_hosts: [\"127.0.0.1:\(storage.port)\"], external_redirects: follow")
      let answer = try await stack.client.get("/v2/team/app/blobs/\(layer)")
      #expect(answer.status == 502)
      #expect(answer.text.contains("127.0.0.1") && answer.text.contains("allow_private"))
      #expect(storage.requests.isEmpty)
    }
  }
}
