internal import Foundation
internal import Glibc
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct RunScriptTests {
    /// The path of the script, which is two levels above this file.
    private var script: String {
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .deletingLastPathComponent().appendingPathComponent("scripts/run").path
    }

    private func launch(_ environment: [String: String]) throws -> ProcessLaunch {
      var launch = ProcessLaunch(
        script,
        environment: environment.merging(["REGPROXY_BIN": try Executable.worker()]) { given, _ in given }
      )
      launch.leadsGroup = true
      return launch
    }

    /// Removes the files that the script leaves for a port: nginx's configuration and logs.
    private func removeTraces(of port: Int) {
      let project = URL(fileURLWithPath: script).deletingLastPathComponent().deletingLastPathComponent()
      try? FileManager.default.removeItem(at: project.appendingPathComponent(".run/nginx-\(port)"))
    }

    @Test(arguments: [SIGINT, SIGTERM])
    func `make run serves until it is interrupted, and leaves nothing running`(signal: Int32) async throws {
      let directory = try TemporaryDirectory()
      let registry = try ScriptedRegistry()
      let digest = registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      let config = try directory.write(
        "store: {directory: \(directory.path("store"))}\n" + dockerHub(at: registry),
        to: "c.yaml"
      )
      let port = try makeFreePort()
      defer { removeTraces(of: port) }
      let process = try await ManagedProcess.start(
        try launch(["CONFIG": config, "PORT": "\(port)"]),
        name: "run",
        in: directory.path
      )
      let client = HTTPClient(port: port)
      try await eventually("the script serves") {
        try #require(process.isRunning, "\(process.diagnostics)")
        return (try? await client.get("/v2/app/manifests/v1").isWhole(digest)) == true
      }
      try await eventually("the script prints hints") { process.errors.contains("docker pull 127.0.0.1:\(port)/") }
      process.sendToGroup(signal)
      #expect(try await process.waitForExit() == .code(0))
      try await eventually("nothing listens") { (try? await client.get("/v2/")) == nil }
      #expect(try Self.processes(mentioning: config).isEmpty)
      #expect(try Self.processes(mentioning: "nginx-\(port)").isEmpty)
    }

    @Test func `make run names the obstacle in a sentence`() async throws {
      let directory = try TemporaryDirectory()
      let taken = try TakenPort()
      let bad = try directory.write("listne: /tmp/x", to: "bad.yaml")
      let freePort = try makeFreePort()
      defer { removeTraces(of: freePort) }
      let free = "\(freePort)"
      let cases: [([String: String], String)] = [
        (["PORT": "\(taken.port)"], "port \(taken.port) is taken"),
        (["PORT": "http"], "PORT=http is not a port number"),
        (["PORT": free, "CONFIG": bad], "bad.yaml:1: unknown key 'listne'"),
        (["PORT": free, "CONFIG": "/nonexistent.yaml"], "CONFIG=/nonexistent.yaml cannot be read"),
        (["PORT": free, "REGPROXY_BIN": "/nonexistent"], "REGPROXY_BIN=/nonexistent is not an executable file"),
      ]
      for (index, (environment, sentence)) in cases.enumerated() {
        let process = try await ManagedProcess.start(try launch(environment), name: "run-\(index)", in: directory.path)
        let exit = try await process.waitForExit()
        #expect(exit != .code(0))
        #expect(process.errors.contains(sentence), "\(process.errors)")
      }
      #expect(try Self.processes(mentioning: "nginx-\(free)").isEmpty)
    }

    /// Returns the processes whose command line contains a text.
    private static func processes(mentioning text: String) throws -> [String] {
      try FileManager.default.contentsOfDirectory(atPath: "/proc").filter { name in
        guard Int(name) != nil, let data = FileManager.default.contents(atPath: "/proc/\(name)/cmdline") else {
          return false
        }
        return String(decoding: data, as: UTF8.self).contains(text)
      }
    }
  }
}
