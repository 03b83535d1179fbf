internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct PullTests {
    /// All ways to name the same repository.
    private static let namings: [(prefix: String, query: String, host: String?)] = [
      ("/v2/other.test/team/app", "", nil),
      ("/other.test/v2/team/app", "", nil),
      ("/v2/team/app", "?ns=other.test", nil),
      ("/v2/team/app", "", "other.mirror.test"),
      ("/v2/alias/team/app", "", nil),
    ]

    private func configuration(_ registry: LocalRegistry) -> String {
      """
      threads: {min: 4, max: 64}
      domain: mirror.test
      upstreams:
        docker.io: {endpoints: ["http://127.0.0.1:\(registry.port)"]}
        other.test:
          endpoints: ["http://127.0.0.1:\(registry.port)"]
          hosts: [other.mirror.test]
          aliases: [alias]
      """
    }

    @Test(
      arguments: [
        ProxyStack.Launch.standalone, .spawnFCGI,
      ]
    )
    func `skopeo and raw clients get every byte by every name, and upstream sends each blob once`(
      launch: ProxyStack.Launch
    ) async throws {
      let directory = try TemporaryDirectory()
      let registry = try await LocalRegistry.start(in: directory)
      let sizes = [Int.kilobytes(4), .megabytes(1), .megabytes(64)]
      let image = try await registry.push("team/app", tag: "v1", layers: sizes, in: directory)
      let (stack, worker) = try await ProxyStack.start(configuration(registry), launch: launch)

      for round in ["first", "second"] {
        let target = try directory.makeDirectory("pulled-\(round)")
        let source = "docker://\(stack.client.host)/other.test/team/app:v1"
        try await ManagedProcess.run(
          ProcessLaunch("skopeo", ["copy", "-q", "--src-tls-verify=false", source, "dir:\(target)"]),
          in: directory
        )
        for digest in image.blobs {
          #expect(try sha256Digest(ofFile: "\(target)/\(digest.dropFirst("sha256:".count))") == digest)
          #expect(registry.gets(of: digest) == 1, "\(round) pull")
        }
        #expect(try sha256Digest(ofFile: "\(target)/manifest.json") == image.manifest)
      }

      for naming in Self.namings {
        let client = naming.host.map { stack.client.asking(host: $0) } ?? stack.client
        let manifest = try await client.get("\(naming.prefix)/manifests/v1\(naming.query)")
        #expect(manifest.isWhole(image.manifest), "\(naming)")
        #expect(manifest.headers["Docker-Content-Digest"] == image.manifest)
        #expect(manifest.headers["Content-Type"] == "application/vnd.oci.image.manifest.v1+json")
        for digest in image.blobs {
          let blob = try await client.get("\(naming.prefix)/blobs/\(digest)\(naming.query)")
          #expect(blob.isWhole(digest), "\(naming)")
          #expect(blob.headers["X-Cache"] == "HIT")
          #expect(blob.headers["OCI-Namespace"] == (naming.query.isEmpty ? nil : "other.test"))
          // nginx sent the file, and the worker no byte of the body, unless the blob is small.
          let sent = blob.body.count <= 32 << 10 ? "\(blob.body.count)" : "0"
          #expect(try await stack.logLine(of: blob)["http.bytes"] == sent)
          #expect(registry.gets(of: digest) == 1)
        }
      }
      #expect(try stack.storedBlobs() == Set(image.blobs + [image.manifest]))
      await worker.stop()
      #expect(worker.exitIfOver == .code(0))
    }

    @Test func `a library image is found under its short name`() async throws {
      let directory = try TemporaryDirectory()
      let registry = try await LocalRegistry.start(in: directory)
      let image = try await registry.push("library/small", tag: "v1", layers: [100], in: directory)
      let (stack, _) = try await ProxyStack.start(configuration(registry))
      for name in ["/v2/small", "/v2/library/small", "/v2/docker.io/small", "/docker.io/v2/small"] {
        #expect(try await stack.client.get("\(name)/manifests/v1").isWhole(image.manifest))
      }
      let tags = try await stack.client.get("/v2/small/tags/list")
      #expect(tags.status == 200)
      #expect(tags.text.contains("\"v1\""))
    }
  }
}
