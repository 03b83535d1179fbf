internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables of waiting requests and of trials in "Silent upstreams" of `docs/rules/tokens.md`.
struct UpstreamGateTests {
  private static let manifest = "https://r.test/v2/o/a/manifests/"

  private let gate = Observed(false)

  /// Returns a response whose head waits for the gate.
  private func withheld() -> FakeResponse {
    var response = FakeResponse(404)
    response.headGate = gate
    return response
  }

  @Test(arguments: [(1024, 512), (64, 32), (5, 2), (1, 1)])
  func `half of the threads may wait long for one upstream`(
    _ requests: Int,
    _ maximum: Int
  ) throws {
    let instants = ManualInstants()
    let waiting = WaitingRequests(requests: requests) { instants.now }
    let (name, other) = (try Values.upstream("r.test"), try Values.upstream("q.test"))
    let tickets = try (0..<maximum).map { _ in try #require(waiting.enter(name)) }
    // A burst does not count: its requests have only begun to wait.
    let late = try #require(waiting.enter(name))
    instants.advance(by: WaitingRequests.longWait)
    #expect(waiting.enter(name) == nil)
    #expect(waiting.enter(other) != nil)
    waiting.leave(name, late)
    waiting.leave(name, tickets[0])
    #expect(waiting.enter(name) != nil)
    #expect(waiting.enter(name) != nil)
    instants.advance(by: WaitingRequests.longWait)
    #expect(waiting.enter(name) == nil)
  }

  @Test func `a request beyond the limit of waiting ones is refused at once, until a response arrives`() async throws {
    let fixture = try ProxyFixture(requests: 4)
    let registry = fixture.registry
    for tag in ["a", "b", "c"] { registry.on("GET \(Self.manifest)\(tag)", withheld()) }
    try await withThrowingTaskGroup(of: Int.self) { group in
      for tag in ["a", "b", "b"] { group.addTask { await fixture.send(.get, "/v2/o/a/manifests/\(tag)").status } }
      try await eventually { registry.log.count == 2 }
      fixture.clock.advance(by: 1)
      let refusals = [
        await fixture.send(.get, "/v2/o/a/manifests/c"), await fixture.send(.get, "/v2/o/a/tags/list"),
        await fixture.send(.get, "/v2/o/a/blobs/\(try Values.digest(of: "c"))"),
        await fixture.send(.head, "/v2/o/a/blobs/\(try Values.digest(of: "c"))"),
      ]
      for refusal in refusals {
        #expect(refusal.status == 503)
        #expect(refusal.headers[.retryAfter] == "5")
        #expect(try ErrorDocument.item(of: refusal).code == "UNAVAILABLE")
      }
      #expect(registry.log.count == 2)
      // Another upstream is contacted.
      #expect(await fixture.send(.get, "/v2/q.test/o/a/manifests/c").status == 404)
      gate.update { $0 = true }
      for try await status in group { #expect(status == 404) }
    }
    #expect(await fixture.send(.get, "/v2/o/a/manifests/c").status == 404)
    #expect(registry.count(of: "GET \(Self.manifest)c") == 1)
  }

  /// Returns a proxy whose upstream left three requests without response, and withholds the next one.
  private func silenced(_ tags: [String], staleResponseTimeout: Duration = .seconds(600)) async throws -> ProxyFixture {
    let fixture = try ProxyFixture(staleResponseTimeout: staleResponseTimeout)
    for tag in tags {
      fixture.registry.on(
        "GET \(Self.manifest)\(tag)",
        .text("{\"schemaVersion\":2}", [.contentType: ManifestHandlerTests.index])
      )
      #expect(await fixture.send(.get, "/v2/o/a/manifests/\(tag)").status == 200)
    }
    fixture.clock.advance(by: 3600)
    for tag in ["a", "b", "c"] {
      fixture.registry.fail("GET \(Self.manifest)\(tag)", UpstreamError(.timeout, "no response"))
      #expect(await fixture.send(.get, "/v2/o/a/manifests/\(tag)").status == 504)
    }
    for tag in ["a", "b", "c"] + tags { fixture.registry.on("GET \(Self.manifest)\(tag)", withheld()) }
    return fixture
  }

  @Test func `a silent upstream is tried by one request, and other requests get a response at once`() async throws {
    let fixture = try await silenced(["old"])
    let registry = fixture.registry
    let count = registry.log.count
    try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask { await fixture.send(.get, "/v2/o/a/manifests/a").status }
      try await eventually { registry.log.count == count + 1 }
      let stale = await fixture.send(.get, "/v2/o/a/manifests/old")
      #expect(stale.status == 200)
      #expect(stale.headers[.xCache] == "STALE")
      // The manifest of the trial as well: no request waits for the trial.
      for tag in ["a", "b"] {
        let refusal = await fixture.send(.get, "/v2/o/a/manifests/\(tag)")
        #expect(refusal.status == 503)
        #expect(refusal.headers[.retryAfter] == "5")
      }
      #expect(registry.log.count == count + 1)
      gate.update { $0 = true }
      for try await status in group { #expect(status == 404) }
    }
    #expect(await fixture.send(.get, "/v2/o/a/manifests/b").status == 404)
    #expect(await fixture.send(.get, "/v2/o/a/manifests/c").status == 404)
  }

  @Test func `the trial of a silent upstream continues when its client has a stale manifest`() async throws {
    let fixture = try await silenced(["old"], staleResponseTimeout: .zero)
    let count = fixture.registry.log.count
    #expect(await fixture.send(.get, "/v2/o/a/manifests/old").headers[.xCache] == "STALE")
    try await eventually { fixture.registry.log.count == count + 1 }
    gate.update { $0 = true }
    try await eventually { fixture.services.refusals.count == 1 }
    #expect(await fixture.send(.get, "/v2/o/a/manifests/old").status == 404)
    #expect(fixture.registry.log.count == count + 1)
  }

  @Test func `a client does not wait for a blob that a silent upstream is tried with`() async throws {
    let fixture = try await silenced([])
    let digest = try Values.digest(of: "blob")
    let (path, url) = ("/v2/o/a/blobs/\(digest)", "https://r.test/v2/o/a/blobs/\(digest)")
    fixture.registry.on("GET \(url)", withheld())
    try await withThrowingTaskGroup(of: Int.self) { group in
      group.addTask { await fixture.send(.get, path).status }
      try await eventually { fixture.registry.count(of: "GET \(url)") == 1 }
      #expect(await fixture.send(.get, path).status == 503)
      #expect(await fixture.send(.head, path).status == 503)
      gate.update { $0 = true }
      for try await status in group { #expect(status == 404) }
    }
  }

  @Test func `the rest of a blob that clients read is requested from a silent upstream`() async throws {
    let fixture = try await silenced([])
    let upstream = UpstreamSession(
      fixture.proxy.upstreams.upstreams[0],
      UpstreamContext(
        client: fixture.registry,
        tokens: fixture.services.tokens,
        accounts: .forTests,
        health: fixture.services.upstreams.health,
        waiting: WaitingRequests(requests: 1),
        now: { 0 }
      )
    )
    let route = Route.manifest(try Values.repository("o/a"), .tag(try Values.tag("a")))
    let count = fixture.registry.log.count
    try await withThrowingTaskGroup(of: Void.self) { group in
      group.addTask { _ = try await upstream.send(.get, route) }
      try await eventually { fixture.registry.log.count == count + 1 }
      let refusal = await #expect(throws: UpstreamError.self) { try await upstream.send(.get, route) }
      #expect(refusal?.kind == .notSent)
      group.addTask { _ = try await upstream.send(.get, route, headers: [:], toEndpoint: 0, by: .now + .seconds(60)) }
      group.addTask { _ = try await upstream.followingStorage.send(.get, route) }
      try await eventually { fixture.registry.log.count == count + 3 }
      gate.update { $0 = true }
      try await group.waitForAll()
    }
  }
}
