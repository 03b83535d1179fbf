internal import Foundation
internal import Glibc
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  /// nginx sends one request after another on a connection to the worker.
  struct KeptConnectionTests {
    private let registry: ScriptedRegistry
    private let small: String

    init() throws {
      registry = try ScriptedRegistry()
      registry.addManifest("{\"schemaVersion\":2}", to: "library/app", tag: "v1")
      small = registry.addBlob(DeterministicBytes.make(count: 4000, seed: 110), to: "library/app")
    }

    /// Requests whose responses the worker sends itself.
    private var targets: [String] {
      ["/v2/", "/v2/app/manifests/v1", "/v2/app/blobs/\(small)", "/v2/app/manifests/none"]
    }

    @Test func `requests of every kind follow one another on a connection`() async throws {
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      // Each process of nginx has connections of its own.
      for _ in 0..<20 { for target in targets { _ = try await stack.client.get(target) } }
      let connections = try stack.connections()
      #expect(!connections.isEmpty)
      for _ in 0..<20 {
        #expect(try await stack.client.get("/v2/").status == 200)
        #expect(try await stack.client.get("/v2/app/manifests/v1").text == "{\"schemaVersion\":2}")
        #expect(try await stack.client.get("/v2/app/blobs/\(small)").isWhole(small))
        #expect(try await stack.client.get("/v2/app/manifests/none").status == 404)
      }
      // nginx opens another one where the end of a response reaches it later than the next request.
      #expect(try stack.connections().isSuperset(of: connections))
      #expect(try stack.connections().count < connections.count + 8)
      #expect(!stack.nginxErrors.contains("[error]"))
      // A stop closes them at once.
      worker.terminate()
      #expect(try await worker.waitForExit() == .code(0))
      #expect(try stack.connections().isEmpty)
    }

    @Test func `a response that nginx leaves ends its connection, and no other one`() async throws {
      let large = registry.addBlob(DeterministicBytes.make(count: 100_000, seed: 111), to: "library/app")
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      for _ in 0..<10 {
        #expect(try await stack.client.get("/v2/app/blobs/\(large)").isWhole(large))
        #expect(try await stack.client.head("/v2/app/manifests/v1").status == 200)
        #expect(try await stack.client.get("/v2/").status == 200)
      }
      try await eventually("only kept connections are left") { try stack.connections().count <= 2 }
      #expect(!stack.nginxErrors.contains("[error]"))
    }

    @Test func `a small blob has the headers of its file, and the same answers to conditions`() async throws {
      let (stack, _) = try await ProxyStack.start(dockerHub(at: registry))
      let target = "/v2/app/blobs/\(small)"
      _ = try await stack.client.get(target)
      let whole = try await stack.client.get(target)
      let head = try await stack.client.head(target)
      for name in ["Content-Length", "ETag", "Last-Modified", "Accept-Ranges", "Content-Type", "Docker-Content-Digest"]
      {
        #expect(whole.headers[name] != nil && whole.headers[name] == head.headers[name], "\(name)")
      }
      let tag = try #require(whole.headers["ETag"])
      #expect(try await stack.client.get(target, headers: ["If-None-Match": tag]).status == 304)
      let date = try #require(whole.headers["Last-Modified"])
      #expect(try await stack.client.get(target, headers: ["If-Modified-Since": date]).status == 304)
      let part = try await stack.client.get(target, headers: ["Range": "bytes=1-2"])
      #expect(part.status == 206)
      #expect(part.body == Array(whole.body[1...2]))
    }

    @Test func `a refused write is answered on a kept connection, also after a worker was killed`() async throws {
      let (stack, first) = try await ProxyStack.start(dockerHub(at: registry), launch: .inherited)
      for _ in 0..<10 { #expect(try await stack.client.get("/v2/").status == 200) }
      let second = try await stack.startWorker(name: "second")
      first.kill9()
      #expect(try await first.waitForExit() == .signal(9))
      for _ in 0..<4 {
        let push = RawRequest("POST", "/v2/app/blobs/uploads/", headers: ["Host": "x", "Connection": "close"])
        #expect(try await stack.client.send(push).finish().status == 405)
      }
      await second.stop()
    }

    @Test func `HUP changes the configuration of requests on kept connections`() async throws {
      let (stack, worker) = try await ProxyStack.start(dockerHub(at: registry))
      for _ in 0..<10 { #expect(try await stack.client.get("/v2/app/manifests/v1").status == 200) }
      let denying = dockerHub(at: registry).replacingOccurrences(of: "\"]}", with: "\"], deny: [\"library/*\"]}")
      try ProxyStack.write(denying, to: stack.directory)
      worker.send(SIGHUP)
      try await eventually("the new configuration") { stack.log.contains("configuration reread") }
      for _ in 0..<10 { #expect(try await stack.client.get("/v2/app/manifests/v1").status == 403) }
    }

    @Test func `no request fails on the connections of a worker that was killed`() async throws {
      let (stack, first) = try await ProxyStack.start(dockerHub(at: registry), launch: .inherited)
      let statuses = try await stack.client.getAtOnce(16, "/v2/").map { try $0.get().status }
      #expect(statuses == Array(repeating: 200, count: 16))
      let second = try await stack.startWorker(name: "second")
      first.kill9()
      #expect(try await first.waitForExit() == .signal(9))
      for _ in 0..<40 { #expect(try await stack.client.get("/v2/").status == 200) }
      await second.stop()
    }

    @Test func `no request fails while workers on one socket take turns`() async throws {
      let (stack, first) = try await ProxyStack.start(dockerHub(at: registry), launch: .inherited)
      let targets = targets.dropLast()
      var worker = first
      let statuses = try await withThrowingTaskGroup(of: [Int].self) { group in
        let isOver = Gate()
        for index in 0..<8 {
          group.addTask {
            var statuses: [Int] = []
            while !isOver.isOpen {
              statuses.append(try await stack.client.get(targets[(index + statuses.count) % targets.count]).status)
            }
            return statuses
          }
        }
        for turn in 0..<5 {
          let next = try await stack.startWorker(name: "worker\(turn)")
          worker.terminate()
          #expect(try await worker.waitForExit() == .code(0))
          worker = next
        }
        isOver.open()
        return try await group.reduce(into: []) { $0 += $1 }
      }
      #expect(statuses.count >= 5)
      #expect(statuses.allSatisfy { $0 == 200 })
      await worker.stop()
    }
  }
}
