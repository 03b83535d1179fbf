internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Manifests" of `docs/request-handling.md`: an upstream that needs longer than clients wait for it where there is a
/// stale answer. Here they do not wait at all.
struct SlowManifestTests {
  private static let tag = "https://r.test/v2/o/a/manifests/v1"

  private let fixture: ProxyFixture
  private let gate = Observed(0)
  private let old: Digest
  private let new: Digest

  private var registry: FakeUpstream { fixture.registry }

  /// The tag is known, no longer fresh, and has moved to a manifest that does not come until the gate is opened.
  init() async throws {
    fixture = try ProxyFixture(staleResponseTimeout: .zero)
    let type: HTTPFields = [.contentType: ManifestHandlerTests.index]
    let texts = [#"{"schemaVersion":2}"#, #"{"schemaVersion":2,"new":1}"#]
    (old, new) = (try Values.digest(of: texts[0]), try Values.digest(of: texts[1]))
    registry.on("GET \(Self.tag)", .text(texts[0], type))
    #expect(await fixture.send(.get, "/v2/o/a/manifests/v1").headers[.xCache] == "MISS")
    fixture.clock.advance(by: 60)
    var slow = FakeAnswer.text(texts[1], type)
    slow.headers[.dockerContentDigest] = new.description
    slow.gate = gate
    registry.on("HEAD \(Self.tag)", slow)
    registry.on("GET https://r.test/v2/o/a/manifests/\(new)", slow)
  }

  private func get() async -> RegistryResponse { await fixture.send(.get, "/v2/o/a/manifests/v1") }

  private var questions: [String] { Array(registry.log.dropFirst()) }

  /// The first answer that is not stale.
  private func awaitUpstream() async -> RegistryResponse {
    while true {
      let response = await get()
      if response.headers[.xCache] != "STALE" { return response }
      await Task.yield()
    }
  }

  @Test func `clients get the last known answer, the question goes on, and its answer is kept`() async throws {
    for _ in 0..<10 {
      let stale = await get()
      #expect(stale.headers[.cacheStatus] == "regproxy; hit; fwd=stale; detail=stale-while-revalidate")
      #expect(stale.headers[.warning]?.hasPrefix("299 ") == true)
      #expect(stale.headers[.dockerContentDigest] == old.description)
    }
    while questions.count < 2 { await Task.yield() }
    for _ in 0..<10 { #expect(await get().headers[.dockerContentDigest] == old.description) }
    gate.update { $0 = .max }
    let moved = await awaitUpstream()
    #expect(moved.headers[.dockerContentDigest] == new.description)
    #expect(await get().headers[.cacheStatus] == "regproxy; hit; detail=fresh")
    #expect(questions == ["HEAD \(Self.tag)", "GET https://r.test/v2/o/a/manifests/\(new)"])
  }

  @Test func `a refusal that comes late is told to the next client`() async {
    let gate = gate
    var refused = FakeAnswer(404)
    refused.chunks = [[1]]
    refused.gate = gate
    registry.on("GET https://r.test/v2/o/a/manifests/\(new)", refused)
    #expect(await get().headers[.xCache] == "STALE")
    gate.update { $0 = .max }
    #expect(await awaitUpstream().status == 404)
  }

  @Test func `a client without a stale answer waits`() async throws {
    let task = Task { await fixture.send(.get, "/v2/o/a/manifests/\(new)") }
    while fixture.services.manifests.flights.waiterCount == 0 { await Task.yield() }
    gate.update { $0 = .max }
    #expect(await task.value.headers[.xCache] == "MISS")
  }
}
