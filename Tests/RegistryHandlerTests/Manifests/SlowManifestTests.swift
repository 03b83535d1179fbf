internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Stale manifests" of `docs/rules/manifests.md`: an upstream that takes longer than clients wait
/// with a stale manifest at hand. Here they do not wait at all.
struct SlowManifestTests {
  private static let tag = "https://r.test/v2/o/a/manifests/v1"

  private let fixture: ProxyFixture
  private let gate = Observed(0)
  private let old: Digest
  private let new: Digest

  private var registry: FakeUpstream { fixture.registry }

  /// Makes the tag known, no longer fresh, and moved to a manifest that waits for the gate.
  init() async throws {
    fixture = try ProxyFixture(staleResponseTimeout: .zero)
    let type: HTTPFields = [.contentType: ManifestHandlerTests.index]
    let texts = [#"{"schemaVersion":2}"#, #"{"schemaVersion":2,"new":1}"#]
    (old, new) = (try Values.digest(of: texts[0]), try Values.digest(of: texts[1]))
    registry.on("GET \(Self.tag)", .text(texts[0], type))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "MISS")
    fixture.clock.advance(by: 60)
    var slow = FakeResponse.text(texts[1], type)
    slow.headers[.dockerContentDigest] = new.description
    slow.gate = gate
    registry.on("HEAD \(Self.tag)", slow)
    registry.on("GET https://r.test/v2/o/a/manifests/\(new)", slow)
  }

  private func get() async -> RegistryResponse { await fixture.send(.get, "/v2/o/a/manifests/v1") }

  private var laterRequests: [String] { Array(registry.log.dropFirst()) }

  /// Returns the first response that is not stale.
  private func awaitUpstream() async -> RegistryResponse {
    while true {
      let response = await get()
      if response.headers[.xCache] != "STALE" { return response }
      await Task.yield()
    }
  }

  @Test func `clients get the last known manifest, the request continues, and its result is stored`() async throws {
    for _ in 0..<10 {
      let stale = await get()
      #expect(stale.headers[.cacheStatus] == "regproxy; hit; fwd=stale; detail=stale-while-revalidate")
      #expect(stale.headers[.warning]?.hasPrefix("299 ") == true)
      #expect(stale.headers[.dockerContentDigest] == old.description)
    }
    while laterRequests.count < 2 { await Task.yield() }
    for _ in 0..<10 { #expect(await get().headers[.dockerContentDigest] == old.description) }
    gate.update { $0 = .max }
    let moved = await awaitUpstream()
    #expect(moved.headers[.dockerContentDigest] == new.description)
    #expect(await get().headers[.cacheStatus] == "regproxy; hit; detail=fresh")
    #expect(laterRequests == ["HEAD \(Self.tag)", "GET https://r.test/v2/o/a/manifests/\(new)"])
  }

  @Test func `a late refusal is returned to the next client`() async {
    let gate = gate
    var refused = FakeResponse(404)
    refused.chunks = [[1]]
    refused.gate = gate
    registry.on("GET https://r.test/v2/o/a/manifests/\(new)", refused)
    #expect(await get().headers[.xCache] == "STALE")
    gate.update { $0 = .max }
    #expect(await awaitUpstream().status == 404)
  }

  @Test func `a client without a stale manifest waits`() async throws {
    let task = Task { await fixture.send(.get, "/v2/o/a/manifests/\(new)") }
    while fixture.services.manifests.flights.waiterCount == 0 { await Task.yield() }
    gate.update { $0 = .max }
    #expect(await task.value.headers[.xCache] == "MISS")
  }
}
