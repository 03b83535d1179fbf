internal import Foundation
internal import RegistryTestSupport
internal import Synchronization
internal import Testing

extension IntegrationTests {
  struct StoreVerifyTests {
    @Test func `a worker killed at any instant leaves a valid store that the next worker can serve`() async throws {
      let registry = try ScriptedRegistry()
      let blobs = (0..<40).map { number in
        registry.addBlob(
          DeterministicBytes.make(count: .kilobytes(100), seed: UInt64(8000 + number)),
          to: "library/app"
        )
      }
      for number in 0..<40 {
        registry.addManifest(#"{"schemaVersion":2,"number":\#(number)}"#, to: "library/app", tag: "v\(number)")
      }
      let targets = blobs.map { "/v2/app/blobs/\($0)" } + (0..<40).map { "/v2/app/manifests/v\($0)" }
      let stack = try await ProxyStack(dockerHub(at: registry), in: TemporaryDirectory())
      for round in 0..<20 {
        let worker = try await stack.startWorker(name: "worker-\(round)")
        // Four rows of requests, so that something of each kind is being written whenever the worker is killed.
        let answers = AnswerCount()
        async let rows: Void = withTaskGroup(of: Void.self) { group in
          for row in 0..<4 {
            group.addTask {
              for step in 0..<20 {
                _ = try? await stack.client.get(targets[(row * 20 + step + round * 7) % targets.count])
                answers.add()
              }
            }
          }
        }
        while answers.value < round { await Task.yield() }
        worker.kill9()
        #expect(try await worker.waitForExit() == .signal(9))
        await rows
        let found = try await stack.runStoreCommand("verify")
        #expect(found.exit == .code(0), "\(found.output)")
      }
      #expect(try !stack.storedBlobs().isEmpty)
      let last = try await stack.startWorker(name: "last")
      for target in targets { #expect(try await stack.client.get(target).status == 200) }
      #expect(try await stack.runStoreCommand("verify").exit == .code(0))
      #expect(try stack.storedBlobs().isSuperset(of: blobs))
      await last.stop()
    }

    @Test func `verify quarantines a blob with a flipped bit, and the next pull fetches the blob again`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(1), seed: 71)
      let digest = registry.addBlob(bytes, to: "library/app")
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try await stack.runStoreCommand("verify").exit == .code(0))

      var wrong = bytes
      wrong[500_000] ^= 1
      try Data(wrong).write(to: URL(fileURLWithPath: stack.path(of: digest)))
      let found = try await stack.runStoreCommand("verify", "--json")
      #expect(found.exit == .code(65))
      #expect(found.output.contains("the bytes do not match \(digest)"))
      #expect(found.output.contains(#""findings":1"#))
      let repaired = try await stack.runStoreCommand("verify", "--repair")
      #expect(repaired.exit == .code(0))
      #expect(repaired.output.contains("1 wrong, 1 repaired"))
      #expect(try stack.storedBlobs().isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(stack.store)/quarantine").count == 1)
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try await stack.runStoreCommand("verify").exit == .code(0))
      await worker.stop()
    }
  }
}

/// The number of requests that have ended, in whatever way.
private final class AnswerCount: Sendable {
  private let count = Atomic(0)

  var value: Int { count.load(ordering: .relaxed) }

  func add() { count.add(1, ordering: .relaxed) }
}
