internal import Foundation
internal import Glibc
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  /// Pulls of private content with the operator's account, from a real registry.
  struct AccountTests {
    private static let secret = "planted-password"
    private static let robot = TokenServer.Account("robot", secret, repositories: ["team/app"], mayPush: true)

    /// The ways in which a registry asks for an account.
    enum Scheme: String, CaseIterable, Sendable {
      case basic
      case bearer
    }

    private let directory: TemporaryDirectory

    init() throws {
      directory = try TemporaryDirectory()
      try writePassword(Self.secret)
    }

    private func writePassword(_ password: String) throws {
      try directory.write(password + "\n", to: "password")
      try #require(chmod(directory.path("password"), 0o600) == 0)
    }

    private func startRegistry(_ scheme: Scheme) async throws -> (LocalRegistry, TokenServer?) {
      guard scheme == .bearer else {
        return (try await LocalRegistry.start(in: directory, authentication: .passwords(Self.robot)), nil)
      }
      let tokens = try await TokenServer.start(in: directory, accounts: [Self.robot])
      return (try await LocalRegistry.start(in: directory, authentication: .tokens(tokens)), tokens)
    }

    /// - Parameter tokens: the token service, whose port is another than the registry's.
    private func configuration(
      _ registry: LocalRegistry,
      _ tokens: TokenServer?,
      auth: String? = nil,
      more: String = ""
    ) -> String {
      let realms = tokens.map { "[\"\($0.realm.split(separator: "/")[1])\"]" } ?? "[]"
      let auth = auth ?? "mode: service, username: robot, password_file: \(directory.path("password"))"
      return """
        upstreams:
          private.test:
            endpoints: ["http://127.0.0.1:\(registry.port)"]
            aliases: [private]
            auth: {\(auth)}
            realms: \(realms)
            tag_ttl: 1h
        \(more)
        """
    }

    private func pull(through stack: ProxyStack, to name: String) async throws -> String {
      let target = try directory.makeDirectory(name)
      let source = "docker://\(stack.client.host)/private.test/team/app:v1"
      try await ManagedProcess.run(
        ProcessLaunch("skopeo", ["copy", "-q", "--src-tls-verify=false", source, "dir:\(target)"]),
        in: directory
      )
      return target
    }

    /// Returns the files below a directory that contain one of the texts.
    private func files(below root: String, containing texts: [String]) -> [String] {
      let names = FileManager.default.enumerator(atPath: root)?.compactMap { $0 as? String } ?? []
      return names.filter { name in
        guard let data = FileManager.default.contents(atPath: "\(root)/\(name)") else { return false }
        return texts.contains { data.range(of: Data($0.utf8)) != nil }
      }
    }

    @Test(arguments: Scheme.allCases)
    func `clients pull private images without an account of their own`(_ scheme: Scheme) async throws {
      let (registry, tokens) = try await startRegistry(scheme)
      let image = try await registry.push(
        "team/app",
        tag: "v1",
        layers: [4000, 100_000],
        by: Self.robot,
        in: directory
      )
      let (stack, worker) = try await ProxyStack.start(configuration(registry, tokens))
      for round in ["first", "second"] {
        let target = try await pull(through: stack, to: round)
        for digest in image.blobs {
          #expect(try sha256Digest(ofFile: "\(target)/\(digest.dropFirst("sha256:".count))") == digest)
          #expect(registry.gets(of: digest) <= 2, "\(round) pull")
        }
      }
      for digest in image.blobs {
        let hit = try await stack.client.get("/v2/private.test/team/app/blobs/\(digest)")
        #expect(hit.isWhole(digest) && hit.headers["X-Cache"] == "HIT")
        #expect(!hit.headers.contains("WWW-Authenticate"))
      }
      let metrics = try await stack.client.get("/_regproxy/metrics").text
      let secrets = [Self.secret, Self.robot.authorization] + (tokens?.issuedTokens ?? [])
      #expect(!secrets.isEmpty && !secrets.contains { metrics.contains($0) })
      await worker.stop()
      #expect(files(below: stack.directory.path, containing: secrets) == [])
    }

    @Test func `a hundred pulls at once need one token`() async throws {
      let (registry, tokens) = try await startRegistry(.bearer)
      let image = try await registry.push(
        "team/app",
        tag: "v1",
        layers: (1...20).map { 5000 + $0 },
        by: Self.robot,
        in: directory
      )
      let before = try #require(tokens).requestCount
      let (stack, _) = try await ProxyStack.start(configuration(registry, tokens))
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<100 {
          let digest = image.blobs[number % image.blobs.count]
          group.addTask { try await stack.client.get("/v2/private.test/team/app/blobs/\(digest)").status }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(statuses == Array(repeating: 200, count: 100))
      #expect(try #require(tokens).requestCount == before + 1)
    }

    @Test(arguments: Scheme.allCases)
    func `a wrong password is an error that names the remedy, and the registry is left alone`(_ scheme: Scheme)
      async throws
    {
      let (registry, tokens) = try await startRegistry(scheme)
      _ = try await registry.push("team/app", tag: "v1", layers: [4000], by: Self.robot, in: directory)
      try writePassword("planted-other")
      let before = tokens?.requestCount ?? 0
      let (stack, worker) = try await ProxyStack.start(configuration(registry, tokens))
      for _ in 0..<20 {
        let answer = try await stack.client.get("/v2/private.test/team/app/manifests/v1")
        #expect(answer.status == 502)
        #expect(answer.text.contains("refuses the account 'robot': correct 'auth:' of private.test"))
        #expect(!answer.text.contains("planted"))
      }
      if let tokens { #expect(tokens.requestCount <= before + 2) }
      #expect(try stack.saysOnceAMinute("account refused"))
      // With the right password, the next minute is not waited for.
      try writePassword(Self.secret)
      worker.send(SIGHUP)
      try await eventually("the account is accepted") {
        try await stack.client.get("/v2/private.test/team/app/manifests/v1").status == 200
      }
      #expect(files(below: stack.directory.path, containing: [Self.secret, "planted-other"]) == [])
    }

    @Test func `what the account has proved is not public after a change of the mode`() async throws {
      let (registry, tokens) = try await startRegistry(.bearer)
      let image = try await registry.push("team/app", tag: "v1", layers: [100_000], by: Self.robot, in: directory)
      let (stack, worker) = try await ProxyStack.start(configuration(registry, tokens))
      _ = try await pull(through: stack, to: "pulled")
      let targets = ["manifests/v1", "manifests/\(image.manifest)", "blobs/\(image.blobs[0])"]
        .map { "/v2/private.test/team/app/\($0)" }
      for target in targets { #expect(try await stack.client.get(target).status == 200) }

      try ProxyStack.write(configuration(registry, tokens, auth: "mode: anonymous"), to: stack.directory)
      worker.send(SIGHUP)
      try await eventually("the new configuration") { stack.log.contains("configuration reread") }
      for target in targets {
        #expect(try await stack.client.get(target).status == 404)
        #expect(try await stack.client.head(target).status == 404)
        #expect(try await stack.client.get(target, headers: ["Range": "bytes=0-9"]).status == 404)
      }
      try ProxyStack.write(configuration(registry, tokens), to: stack.directory)
      worker.send(SIGHUP)
      try await eventually("the account is used again") { try await stack.client.get(targets[0]).status == 200 }
      for target in targets { #expect(try await stack.client.get(target).headers["X-Cache"] == "HIT") }
    }

    /// Installs a credential helper, and returns the environment in which the worker finds it.
    private func installHelper(_ script: String) throws -> [String: String] {
      let path = try directory.makeDirectory("bin") + "/docker-credential-test"
      try directory.write(
        "#!/bin/sh\necho run >>\(directory.path("runs"))\n\(script)\n",
        to: "bin/docker-credential-test"
      )
      try #require(chmod(path, 0o755) == 0)
      return ["PATH": "\(directory.path("bin")):\(ProcessInfo.processInfo.environment["PATH"] ?? "/usr/bin:/bin")"]
    }

    private var helperRuns: Int {
      (try? String(contentsOfFile: directory.path("runs"), encoding: .utf8))?.split(separator: "\n").count ?? 0
    }

    @Test func `a credential helper is asked once for all clients`() async throws {
      let (registry, tokens) = try await startRegistry(.basic)
      let image = try await registry.push(
        "team/app",
        tag: "v1",
        layers: [4000, 5000, 6000],
        by: Self.robot,
        in: directory
      )
      let environment = try installHelper(
        #"[ "$1 $(cat)" = "get private.test" ] && echo '{"ServerURL":"x","Username":"robot","Secret":"\#(Self.secret)"}'"#
      )
      let stack = try await ProxyStack(
        configuration(registry, tokens, auth: "mode: service, credential_helper: test"),
        in: TemporaryDirectory()
      )
      let worker = try await stack.startWorker(environment: environment)
      let digests = image.blobs
      let statuses = try await withThrowingTaskGroup(of: Int.self) { group in
        for number in 0..<20 {
          group.addTask {
            try await stack.client.get("/v2/private.test/team/app/blobs/\(digests[number % digests.count])").status
          }
        }
        return try await group.reduce(into: []) { $0.append($1) }
      }
      #expect(statuses == Array(repeating: 200, count: 20))
      #expect(helperRuns == 1)
      await worker.stop()
      #expect(files(below: stack.directory.path, containing: [Self.secret]) == [])
    }

    @Test(
      arguments: [
        ("exec sleep 100", "did not end in time"), ("exit 1", "failed with status 1"),
        ("echo planted-rubbish", "printed no 'Username' and 'Secret'"),
      ]
    )
    func `a helper that brings nothing delays no other upstream`(_ script: String, _ reason: String) async throws {
      let (registry, tokens) = try await startRegistry(.basic)
      _ = try await registry.push("team/app", tag: "v1", layers: [4000], by: Self.robot, in: directory)
      let other = try ScriptedRegistry()
      other.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      let yaml = configuration(
        registry,
        tokens,
        auth: "mode: service, credential_helper: test",
        more: "  docker.io: {endpoints: [\"\(other.url)\"]}"
      )
      let stack = try await ProxyStack(yaml, in: TemporaryDirectory())
      _ = try await stack.startWorker(environment: try installHelper(script))
      let failing = try await stack.client.open("GET", "/v2/private.test/team/app/manifests/v1")
      for _ in 0..<5 { #expect(try await stack.client.get("/v2/app/manifests/v1").status == 200) }
      let start = ContinuousClock.now
      let answer = try await failing.finish()
      #expect(answer.status == 502)
      #expect(answer.text.contains(reason))
      #expect(!answer.text.contains("planted"))
      #expect(.now - start < .seconds(14))
    }
  }
}
