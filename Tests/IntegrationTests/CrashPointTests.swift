internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct CrashPointTests {
    /// More steps than a worker makes.
    private static let maximumSteps = 400

    @Test func `a worker killed at any step of a write leaves a store that the next worker can serve`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .kilobytes(150), seed: 91)
      let blob = sha256Digest(of: bytes)
      registry.answerRanges("/v2/library/app/blobs/\(blob)", of: bytes) { .bytes($0) }
      let manifest = registry.addManifest(
        #"{"schemaVersion":2,"layers":[{"digest":"\#(blob)"}]}"#,
        to: "library/app",
        tag: "v1"
      )
      let stack = try await ProxyStack(dockerHub(at: registry), in: TemporaryDirectory())
      let targets = ["/v2/app/manifests/v1", "/v2/app/blobs/\(blob)"]
      var diesInPull = 0
      for step in 1...Self.maximumSteps {
        try? FileManager.default.removeItem(atPath: stack.store)
        let environment = [
          "LD_PRELOAD": try Executable.crashPoint(), "CRASH_BELOW": stack.store, "CRASH_AT": "\(step)",
        ]
        if let worker = try? await stack.startWorker(name: "worker-\(step)", environment: environment) {
          for (target, digest) in zip(targets, [manifest, blob]) {
            let answer = try await stack.client.get(target)
            // A client may have had a complete response before the worker died, but never wrong bytes.
            #expect(!answer.isComplete || answer.status != 200 || answer.digest == digest, "step \(step)")
          }
          worker.terminate()
          let exit = try await worker.waitForExit()
          if exit == .code(0) {
            #expect(step > 40, "only \(step - 1) steps were found")
            break
          }
          #expect(exit == .signal(9), "step \(step)")
          diesInPull += 1
        }
        let found = try await stack.runStoreCommand("verify")
        #expect(found.exit == .code(0) || (found.exit == .code(66) && step < 10), "step \(step): \(found)")
        let next = try await stack.startWorker(name: "next-\(step)")
        #expect(try await stack.client.get(targets[0]).isWhole(manifest), "step \(step)")
        #expect(try await stack.client.get(targets[1]).isWhole(blob), "step \(step)")
        #expect(try stack.storedBlobs() == [blob, manifest], "step \(step)")
        #expect(try await stack.runStoreCommand("verify").exit == .code(0), "step \(step)")
        await next.stop()
        try #require(step < Self.maximumSteps, "no worker reached the end")
      }
      #expect(diesInPull > 30)
    }
  }
}
