internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct StoreCommandTests {
    private struct Listed: Decodable {
      let upstream: String
      let repository: String
      let tags: [String]
      let digest: String
      let size: Int
      let lastUse: String
    }

    private struct Usage: Decodable {
      let kind: String
      let blobs: Int
      let bytes: Int
    }

    private func decode<Line: Decodable>(_ text: String) throws -> [Line] {
      try text.split(separator: "\n").map { try JSONDecoder().decode(Line.self, from: Data($0.utf8)) }
    }

    @Test func `ls and du list pulled images, and an image that rm removes is fetched again`() async throws {
      let registry = try ScriptedRegistry()
      let start = Date(timeIntervalSince1970: Date.now.timeIntervalSince1970.rounded(.down))
      let layers = [100, 200].map { kilobytes in
        registry.addBlob(
          DeterministicBytes.make(count: .kilobytes(kilobytes), seed: UInt64(kilobytes)),
          to: "library/app"
        )
      }
      registry.addManifest(
        #"{"schemaVersion":2,"layers":[{"digest":"\#(layers[0])"}]}"#,
        to: "library/app",
        tag: "v1"
      )
      registry.addManifest(
        #"{"schemaVersion":2,"layers":[{"digest":"\#(layers[0])"},{"digest":"\#(layers[1])"}]}"#,
        to: "library/app",
        tag: "v2"
      )
      // Blobs are counted only if there is a limit.
      let stack = try await ProxyStack(dockerHub(at: registry), limits: "max_size: 1GB", in: TemporaryDirectory())
      let worker = try await stack.startWorker()
      try await eventually("the blobs are counted") {
        try await stack.client.get("/_regproxy/metrics").text.contains("regproxy_store_bytes 0\n")
      }
      for target in layers.map({ "blobs/\($0)" }) + ["manifests/v1", "manifests/v2"] {
        #expect(try await stack.client.get("/v2/app/\(target)").status == 200)
      }

      let images: [Listed] = try decode(try await stack.runStoreCommand("ls", "--json").output)
      #expect(images.map(\.tags) == [["v1"], ["v2"]])
      #expect(images.allSatisfy { $0.upstream == "docker.io" && $0.repository == "library/app" })
      #expect(images[0].size > 100_000 && images[0].size < 110_000)
      #expect(images[1].size > 300_000 && images[1].size < 320_000)
      let uses = try images.map { try Date($0.lastUse, strategy: .iso8601) }
      #expect(uses.allSatisfy { (start...Date.now).contains($0) })
      #expect(images.allSatisfy { $0.lastUse.hasSuffix("Z") })
      let table = try await stack.runStoreCommand("ls", "docker.io/library/app").output
      #expect(table.hasPrefix("IMAGE ") && table.contains("docker.io/library/app  v1 "))
      #expect(try await stack.runStoreCommand("ls", "quay.io").output.split(separator: "\n").count == 1)

      let usage: [Usage] = try decode(try await stack.runStoreCommand("du", "--json").output)
      #expect(usage.map(\.kind) == ["upstream", "repository", "partial", "quarantine", "total"])
      #expect(usage.last?.blobs == 4)
      #expect(usage.last?.bytes == usage.first?.bytes)
      #expect(try await stack.runStoreCommand("du").output.contains("docker.io/library/app"))

      let dry = try await stack.runStoreCommand("rm", "--dry-run", "docker.io/library/app:v2")
      #expect(dry.exit == .code(0) && dry.output.contains("would remove 1 tag records, 2 blobs"))
      #expect(try stack.storedBlobs().count == 4)
      #expect(try await stack.runStoreCommand("rm", "docker.io/library/app:v2").exit == .code(0))
      #expect(try stack.storedBlobs() == [layers[0], images[0].digest])
      let left: [Usage] = try decode(try await stack.runStoreCommand("du", "--json").output)
      let metrics = try await stack.client.get("/_regproxy/metrics").text
      #expect(metrics.contains("regproxy_store_bytes \(left.last?.bytes ?? -1)\n"))
      #expect(try await stack.client.get("/v2/app/blobs/\(layers[1])").isWhole(layers[1]))
      #expect(try await stack.client.get("/v2/app/manifests/v2").status == 200)

      let absent = try await stack.runStoreCommand("rm", "docker.io/library/none:v1")
      #expect(absent.exit == .code(66) && absent.errors.contains("docker.io/library/none:v1"))
      let malformed = try await stack.runStoreCommand("rm", "app")
      #expect(malformed.exit == .code(64) && malformed.errors.contains("'app' is not an image"))
      await worker.stop()
    }
  }
}
