internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct EvictionTests {
    private static let limit = 8 << 20
    private static let blobSize = 256 << 10

    private func usedBytes(_ stack: ProxyStack) -> Int {
      let files = FileManager.default.enumerator(atPath: "\(stack.store)/blobs")?.compactMap { $0 as? String } ?? []
      return files.map { name in
        let attributes = try? FileManager.default.attributesOfItem(atPath: "\(stack.store)/blobs/\(name)")
        return attributes?[.type] as? FileAttributeType == .typeRegular ? attributes?[.size] as? Int ?? 0 : 0
      }
      .reduce(0, +)
    }

    @Test func `pulls of ten times the limit succeed, old blobs are evicted, and the limit holds`() async throws {
      let registry = try ScriptedRegistry()
      let digests = (0..<320).map { number in
        registry.addBlob(DeterministicBytes.make(count: Self.blobSize, seed: UInt64(1000 + number)), to: "library/app")
      }
      let stack = try await ProxyStack(
        dockerHub(at: registry),
        limits: "max_size: \(Self.limit)B",
        in: TemporaryDirectory()
      )
      // Blobs last used an hour ago.
      let old = try (0..<31).map { number in
        let bytes = DeterministicBytes.make(count: Self.blobSize, seed: UInt64(number))
        let digest = sha256Digest(of: bytes)
        let path = stack.path(of: digest)
        try FileManager.default.createDirectory(
          atPath: (path as NSString).deletingLastPathComponent,
          withIntermediateDirectories: true
        )
        try Data(bytes).write(to: URL(fileURLWithPath: path))
        var times = [timeval(tv_sec: time(nil) - 3600, tv_usec: 0), timeval(tv_sec: 1_000_000_000, tv_usec: 0)]
        #expect(utimes(path, &times) == 0)
        return digest
      }
      let worker = try await stack.startWorker()
      let largest = try await withThrowingTaskGroup(of: Int.self) { group in
        for puller in 0..<4 {
          group.addTask {
            var largest = 0
            for turn in 0..<160 {
              let digest = digests[(puller * 80 + turn) % digests.count]
              let isWhole = try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest)
              #expect(isWhole)
              if turn % 8 == 0 { largest = max(largest, usedBytes(stack)) }
            }
            return largest
          }
        }
        return try await group.reduce(0, max)
      }
      #expect(largest <= Self.limit + 4 * Self.blobSize)
      let kept = try stack.storedBlobs()
      #expect(kept.isDisjoint(with: old))
      #expect(!kept.isEmpty)
      let metrics = try await stack.client.get("/_regproxy/metrics").text
      // Blobs served minutes ago may be evicted too.
      let evicted = metrics.split(separator: "\n").compactMap { line in
        line.hasPrefix("regproxy_evicted_blobs_total ") ? line.split(separator: " ").last.flatMap { Int($0) } : nil
      }
      #expect(try #require(evicted.first) >= 31)
      #expect(metrics.contains("regproxy_store_bytes \(kept.count * Self.blobSize)\n"))
      #expect(stack.log.contains("eviction pass"))
      await worker.stop()
    }
  }
}
