internal import Foundation
internal import RegistryTestSupport
internal import Synchronization
internal import Testing

extension IntegrationTests {
  struct SilentUpstreamTests {
    private static let manifest = "{\"schemaVersion\":2}"

    /// Starts a worker that serves 96 requests at once.
    private func start(_ silent: String, _ healthy: ScriptedRegistry) async throws -> ProxyStack {
      let yaml = """
        upstreams:
          docker.io: {endpoints: ["\(silent)"]}
          ghcr.io: {endpoints: ["\(healthy.url)"]}
        """
      let stack = try await ProxyStack(yaml, in: TemporaryDirectory())
      _ = try await stack.startWorker(descriptors: 64 + 2 * 96)
      return stack
    }

    @Test func `half of the requests wait for a silent upstream, and further ones get a 503`() async throws {
      let (silent, healthy) = (try ScriptedRegistry(), try ScriptedRegistry())
      let gate = Gate()
      defer { gate.open() }
      for number in 0..<100 {
        silent.answer("/v2/library/app/manifests/v\(number)", with: ScriptedResponse(body: .withheld(gate)))
      }
      healthy.addManifest(Self.manifest, to: "o/a", tag: "v1")
      let stack = try await start(silent.url, healthy)
      #expect(try await stack.client.get("/v2/ghcr.io/o/a/manifests/v1").headers["X-Cache"] == "MISS")
      let answers = Answers()
      try await withThrowingTaskGroup(of: Void.self) { group in
        for number in 0..<100 {
          if number == 48 {
            try await eventually("half of the requests wait") { silent.requests.count == 48 }
            let start = ContinuousClock.now
            try await eventually("they have waited long") { ContinuousClock.now - start >= .seconds(1) }
          }
          group.addTask {
            let answer = try await stack.client.get("/v2/app/manifests/v\(number)")
            answers.append(answer)
          }
        }
        try await eventually("all other requests have responses") { answers.all.count == 52 }
        #expect(silent.requests.count == 48)
        for answer in answers.all {
          #expect(answer.status == 503)
          #expect(answer.headers["Retry-After"] == "5")
          #expect(answer.errorCodes == ["UNAVAILABLE"])
        }
        for _ in 0..<20 {
          #expect(try await stack.client.get("/v2/ghcr.io/o/a/manifests/v1").headers["X-Cache"] == "HIT")
        }
        #expect(silent.requests.count == 48)
        gate.open()
        try await group.waitForAll()
      }
    }

    @Test func `one request probes an upstream that has timed out, and the others get a 503`() async throws {
      let healthy = try ScriptedRegistry()
      let silent = try FullListener()
      let stack = try await start("http://127.0.0.1:\(silent.port)", healthy)
      let statuses = {
        try await withThrowingTaskGroup(of: HTTPExchange.self) { group in
          for number in 0..<8 { group.addTask { try await stack.client.get("/v2/app/manifests/v\(number)") } }
          return try await group.reduce(into: [:]) {
            $0[$1.status, default: [String?]()].append($1.headers["Retry-After"])
          }
        }
      }
      #expect(try await statuses().mapValues(\.count) == [504: 8])
      let second = try await statuses()
      #expect(Set(second.keys) == [503, 504])
      #expect(second[503].map(Set.init) == ["5"])
      #expect(try await stack.client.get("/v2/ghcr.io/o/a/manifests/v1").status == 404)
    }
  }
}

/// The responses so far.
private final class Answers: Sendable {
  private let answers = Mutex<[HTTPExchange]>([])

  var all: [HTTPExchange] { answers.withLock { $0 } }

  func append(_ answer: HTTPExchange) { answers.withLock { $0.append(answer) } }
}
