internal import Foundation
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  @Suite("The store looked at by hand")
  struct StoreVerifyTests {
    private func verify(_ stack: ProxyStack, _ arguments: String...) async throws -> (
      exit: ManagedProcess.Exit, out: String
    ) {
      let launch = ProcessLaunch(
        try Executable.worker(),
        ["store", "verify", "--config", stack.directory.path("worker.yaml")] + arguments
      )
      let process = try await ManagedProcess.start(
        launch,
        name: "verify-\(UInt32.random(in: 0...(.max)))",
        in: stack.directory.path
      )
      let exit = try await process.waitForExit()
      return (exit, process.output)
    }

    @Test("A byte that has turned on the disk is found, moved away, and fetched again")
    func repaired() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(1), seed: 71)
      let digest = registry.addBlob(bytes, to: "library/app")
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try await verify(stack).exit == .code(0))

      var wrong = bytes
      wrong[500_000] ^= 1
      try Data(wrong).write(to: URL(fileURLWithPath: stack.path(of: digest)))
      let found = try await verify(stack, "--json")
      #expect(found.exit == .code(65))
      #expect(found.out.contains("the bytes are not those of \(digest)"))
      #expect(found.out.contains(#""findings":1"#))
      let repaired = try await verify(stack, "--repair")
      #expect(repaired.exit == .code(0))
      #expect(repaired.out.contains("1 wrong, 1 repaired"))
      #expect(try stack.keptBlobs().isEmpty)
      #expect(try FileManager.default.contentsOfDirectory(atPath: "\(stack.store)/quarantine").count == 1)
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").isWhole(digest))
      #expect(try await verify(stack).exit == .code(0))
      await worker.stop()
    }
  }
}
