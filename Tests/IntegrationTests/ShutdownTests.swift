internal import Foundation
internal import Glibc
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct ShutdownTests {
    @Test func `a stream is finished after TERM while a second worker serves all other requests`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(8), seed: 7)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(4), gate))
      let (stack, first) = try await ProxyStack.start(
        dockerHub(at: registry, "drain_timeout: 10m"),
        launch: .inherited
      )
      let stream = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await stream.read(atLeast: .megabytes(1))

      let second = try await stack.startWorker(name: "second")
      async let statuses = withTaskGroup(of: [Int].self) { group in
        for _ in 0..<4 {
          group.addTask {
            var statuses: [Int] = []
            for _ in 0..<100 { statuses.append((try? await stack.client.get("/v2/").status) ?? 0) }
            return statuses
          }
        }
        return await group.reduce(into: []) { $0 += $1 }
      }
      first.terminate()
      #expect(await statuses == Array(repeating: 200, count: 400))
      #expect(first.isRunning)
      gate.open()
      #expect(try await stream.finish().isWhole(digest))
      #expect(try await first.waitForExit() == .code(0))
      #expect(try await stack.client.get("/v2/app/blobs/\(digest)").headers["X-Cache"] == "HIT")
      await second.stop()
      #expect(second.exitIfOver == .code(0))
    }

    @Test func `an endless stream is cut at the drain time-out, and the worker exits with 0`() async throws {
      let registry = try ScriptedRegistry()
      let bytes = DeterministicBytes.make(count: .megabytes(8), seed: 8)
      let gate = Gate()
      let digest = registry.addBlob(bytes, to: "library/app", .gated(bytes, at: .megabytes(4), gate))
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry, "drain_timeout: 1s"))
      let stream = try await stack.client.open("GET", "/v2/app/blobs/\(digest)")
      try await stream.read(atLeast: .megabytes(1))
      worker.terminate()
      #expect(try await worker.waitForExit() == .code(0))
      #expect(try await !stream.finish().isComplete)
      gate.open()
    }

    @Test func `HUP applies a valid configuration, keeps the old one otherwise, and reopens the log`() async throws {
      let registry = try ScriptedRegistry()
      registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      try ProxyStack.write("upstreams:\n  docker.io: {endpoint: [x]}", to: stack.directory)
      worker.send(SIGHUP)
      try await eventually("the log has the error") {
        stack.logLines.contains { $0["error"]?.contains("unknown key 'endpoint'") == true }
      }
      #expect(try await stack.client.get("/v2/app/manifests/v1").status == 200)

      try ProxyStack.write(
        dockerHub(at: registry).replacingOccurrences(of: "\"]}", with: "\"], deny: [\"library/*\"]}"),
        to: stack.directory
      )
      try FileManager.default.moveItem(atPath: stack.logFile, toPath: stack.logFile + ".1")
      worker.send(SIGHUP)
      try await eventually("the new log is written") { stack.log.contains("configuration reread") }
      let denied = try await stack.client.get("/v2/app/manifests/v1")
      #expect(denied.status == 403)
      #expect(denied.errorCodes == ["DENIED"])
    }

    @Test func `a second worker does not take over the first one's socket`() async throws {
      let registry = try ScriptedRegistry()
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let launch = ProcessLaunch(try Executable.worker(), ["serve", "--config", stack.directory.path("worker.yaml")])
      let second = try await ManagedProcess.start(launch, name: "second", in: stack.directory.path)
      #expect(try await second.waitForExit() == .code(71))
      #expect(second.errors.contains("another worker listens on"))
      #expect(try await stack.client.get("/v2/").status == 200)
    }
  }
}
