internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// What one way of access has proved is not served by another.
struct AccessModeTests {
  private static let manifest = #"{"schemaVersion":2}"#

  /// A proxy beside another one, whose store it shares, as after a change of the configuration.
  private func makeFixture(
    beside other: ProxyFixture? = nil,
    hasAccount: Bool,
    clients: [String] = []
  ) throws -> ProxyFixture {
    let account = ServiceAccount(try #require(Credentials(username: "robot", password: "p")))
    let networks = try clients.map { try #require(IPNetwork($0)) }
    return try ProxyFixture(beside: other, remembersHits: true) { upstream in
      upstream.account = hasAccount ? account : nil
      upstream.clients = networks
    }
  }

  @Test(arguments: [true, false])
  func `content of an account is not public, nor the other way round`(_ isFirstPrivate: Bool) async throws {
    let blob = [UInt8](repeating: 3, count: 50_000)
    let digest = try Values.digest(of: blob)
    let first = try makeFixture(hasAccount: isFirstPrivate)
    let targets = ["/v2/o/a/blobs/\(digest)", "/v2/o/a/manifests/v1"]
    first.registry.on("GET https://r.test\(targets[0])", FakeResponse(200, [:], [blob]))
    first.registry.on(
      "GET https://r.test\(targets[1])",
      .text(Self.manifest, [.contentType: ManifestHandlerTests.index])
    )
    for target in targets { _ = try await first.content(of: await first.send(.get, target)) }
    while first.services.fills.count > 0 { await Task.yield() }
    for target in targets { #expect(await first.send(.get, target).headers[.xCache] == "HIT") }

    let second = try makeFixture(beside: first, hasAccount: !isFirstPrivate)
    for method in [HTTPRequest.Method.get, .head] {
      for target in targets { first.registry.on("\(method) https://r.test\(target)", FakeResponse(404)) }
    }
    for target in targets {
      #expect(await second.send(.get, target).status == 404)
      #expect(await second.send(.head, target).status == 404)
      #expect(await second.send(.get, target, [.range: "bytes=0-0"]).status == 404)
      // The first one still hits.
      #expect(await first.send(.get, target).headers[.xCache] == "HIT")
    }
  }

  @Test func `only the operator's clients get what is stored`() async throws {
    let digest = try Values.digest(of: [1, 2, 3])
    let fixture = try makeFixture(hasAccount: true, clients: ["10.0.0.0/8"])
    let target = "/v2/o/a/blobs/\(digest)"
    fixture.registry.on("GET https://r.test\(target)", FakeResponse(200, [:], [[1, 2, 3]]))
    let own = try #require(IPAddress("10.1.2.3"))
    for _ in 0..<3 { #expect(await fixture.send(.get, target, from: own).status == 200) }
    for client in [IPAddress("192.0.2.1"), IPAddress("2001:db8::1"), nil] {
      let response = await fixture.send(.get, target, from: client)
      #expect(response.status == 403)
      #expect(try ErrorDocument.item(of: response).code == "DENIED")
      #expect(await fixture.send(.get, "/v2/", from: client).status == 200)
    }
    #expect(await fixture.send(.get, target, from: own).headers[.xCache] == "HIT")
  }
}
