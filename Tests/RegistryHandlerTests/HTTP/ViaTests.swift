internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Loops" of `docs/rules/tokens.md`.
struct ViaTests {
  private static let name = ProxyName(of: "one")
  private static let other = ProxyName(of: "other")

  @Test(
    arguments: [
      (nil, [], false),
      ("", [], false),
      ("1.1 proxy.example, 1.0 fred (a comment, with commas)", [], false),
      ("1.1 \(other)", [other], false),
      ("1.1 \(name)", [name], true),
      ("HTTP/1.1 squid (squid/5), 1.1 \(other),2 \(name) (nginx)", [other, name], true),
      (",, \(name), 1.1", [], false),
      ("1.1 \(name)0", [], false),
      ("1.1 regproxy-", [], false),
      ("1.1 regproxy-000000000000000g", [], false),
      (Array(repeating: "1.1 \(other)", count: 7).joined(separator: ","), Array(repeating: other, count: 7), false),
      (Array(repeating: "1.1 \(other)", count: 8).joined(separator: ","), Array(repeating: other, count: 8), true),
    ] as [(String?, [ProxyName], Bool)]
  )
  func `a request that names this proxy is a loop`(_ header: String?, _ names: [ProxyName], _ isLoop: Bool) {
    let via = Via(header)
    #expect(via.isLoop(at: Self.name) == isLoop)
    #expect(via.value(behind: Self.name) == (names + [Self.name]).map { "1.1 \($0)" }.joined(separator: ", "))
  }

  @Test func `a name belongs to its identity, or else to one process`() {
    #expect(ProxyName(of: "one") == Self.name)
    #expect(Self.other != Self.name)
    #expect(ProxyName() != ProxyName())
    for name in [ProxyName(), ProxyName(of: ""), Self.name] { #expect(name.description.utf8.count == 25) }
  }

  @Test func `requests upstream name this proxy and the ones before, after redirects too`() async throws {
    let fixture = try ProxyFixture()
    fixture.registry.on(
      "GET https://r.test/v2/o/a/manifests/v1",
      FakeResponse(307, [.location: "https://cdn.test/x"])
    )
    _ = await fixture.send(.get, "/v2/o/a/manifests/v1", [.via: "1.1 nginx, 1.1 \(Self.other)"])
    #expect(fixture.registry.log == ["GET https://r.test/v2/o/a/manifests/v1", "GET https://cdn.test/x"])
    for request in fixture.registry.requests {
      #expect(request.headers[.via] == "1.1 \(Self.other), 1.1 \(fixture.services.name)")
    }
  }

  @Test(arguments: ["manifests/v1", "tags/list", "blobs/sha256:" + String(repeating: "0", count: 64)])
  func `a request that has passed this proxy is refused without a request upstream`(_ path: String) async throws {
    let fixture = try ProxyFixture()
    let response = await fixture.send(.get, "/v2/o/a/\(path)", [.via: "1.1 \(fixture.services.name)"])
    #expect(response.status == 508)
    let item = try ErrorDocument.item(of: response)
    #expect(item.code == "UNAVAILABLE")
    #expect(item.message.contains("'endpoints:'"))
    #expect(item.detail?.upstream == "r.test")
    #expect(fixture.registry.log.isEmpty)
    #expect(await fixture.send(.get, "/v2/", [.via: "1.1 \(fixture.services.name)"]).status == 200)
  }
}
