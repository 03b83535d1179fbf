internal import Foundation
internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Tables "Redirects" and "Examples" of `docs/rules/redirects.md`.
struct RedirectPolicyTests {
  private static let rules: RedirectRules = {
    var rules = RedirectRules()
    rules.internalHosts = ["cdn.example", "intern.example:8443"].compactMap(HostPattern.init)
    rules.storageHosts = ["amazonaws.com", "storage.example:9000", "10.0.0.5:9000", "[2001:db8::5]"]
      .compactMap(HostPattern.init)
    return rules
  }()

  @Test(arguments: RedirectExample.all)
  func `each example of the document has its action`(_ example: RedirectExample) throws {
    for mode in try example.modes() {
      let action = RedirectPolicy(Self.rules, mode: mode).action(for: try example.redirect())
      let text = RedirectExample.text(action)
      #expect(example.cells[4].hasPrefix("502") ? text.hasPrefix(example.cells[4]) : text == example.cells[4])
    }
  }

  @Test func `the document has its examples`() { #expect(RedirectExample.all.count > 60) }

  @Test(
    arguments: [
      "https://cdn.example/b\r\nSet-Cookie: x", "/b c", "/b\u{0}", "/b\u{7f}", "https://cdn.example\t/b", "\u{a0}",
    ]
  )
  func `a Location with invalid bytes is refused`(_ location: String) throws {
    let redirect = UpstreamRedirect(
      status: 307,
      location: location,
      endpoint: try Values.url("https://r.example"),
      requestURL: try Values.url("https://r.example/a")
    )
    #expect(RedirectPolicy(Self.rules, mode: .follow).action(for: redirect) == .refuse(.malformedLocation))
  }

  @Test(arguments: 1...7, ["/next", "https://k.amazonaws.com/next", "https://other.example/next"])
  func `five hops are allowed, not six, to any host`(_ count: Int, _ location: String) throws {
    let visited = try (1..<count).map { try Values.url("https://r.example/\($0)") }
    let redirect = UpstreamRedirect(
      status: 302,
      location: location,
      endpoint: try Values.url("https://r.example"),
      requestURL: try Values.url("https://r.example/\(count)"),
      visited: visited
    )
    let action = RedirectPolicy(Self.rules, mode: .passThrough).action(for: redirect)
    if count > 5 {
      #expect(action == .refuse(.tooManyHops(5)))
    } else if location == "/next" {
      #expect(action == .follow(try Values.url("https://r.example/next"), .sameOrigin))
    } else {
      let passed = ClientRedirect(status: 302, location: location, method: .get)
      #expect(action == .passThrough(passed, location.contains("amazonaws") ? .storageHost : .otherHost))
    }
  }

  @Test(arguments: [16_384, 16_385]) func `a Location has to fit into a response header`(_ length: Int) throws {
    let location = "https://other.example/?".padding(toLength: length, withPad: "x", startingAt: 0)
    let redirect = UpstreamRedirect(
      status: 307,
      location: location,
      endpoint: try Values.url("https://r.example"),
      requestURL: try Values.url("https://r.example/1")
    )
    let passed = ClientRedirect(status: 307, location: location, method: .get)
    let action = RedirectPolicy(Self.rules, mode: .follow).action(for: redirect)
    #expect(action == (length == 16_384 ? .passThrough(passed, .otherHost) : .refuse(.longLocation(16_384))))
  }

  @Test func `a circle of several hops is refused`() throws {
    let hops = try ["https://r.example/1", "https://cdn.example/2", "https://r.example/3"].map { try Values.url($0) }
    let redirect = UpstreamRedirect(
      status: 302,
      location: "//cdn.example/2",
      endpoint: try Values.url("https://r.example"),
      requestURL: hops[2],
      visited: [hops[0], hops[1]]
    )
    #expect(RedirectPolicy(Self.rules, mode: .follow).action(for: redirect) == .refuse(.cycle))
  }

  @Test(arguments: [HTTPRequest.Method.get, .head])
  func `a redirect for a client has the method of the request`(_ method: HTTPRequest.Method) throws {
    let redirect = UpstreamRedirect(
      status: 307,
      location: "https://other.example/",
      method: method,
      endpoint: try Values.url("https://r.example"),
      requestURL: try Values.url("https://r.example/1")
    )
    let expected = ClientRedirect(status: 307, location: "https://other.example/", method: method)
    #expect(RedirectPolicy(Self.rules, mode: .follow).action(for: redirect) == .passThrough(expected, .otherHost))
  }

  @Test(
    arguments: [
      (RedirectMode.passThrough, [String](), "10.1.1.1", RedirectMode.passThrough),
      (.follow, [], "10.1.1.1", .follow),
      (.follow, [], nil, .follow),
      (.passThrough, ["10.0.0.0/8"], "10.1.1.1", .follow),
      (.passThrough, ["10.0.0.0/8"], "::ffff:10.1.1.1", .follow),
      (.passThrough, ["10.0.0.0/8"], "11.1.1.1", .passThrough),
      (.passThrough, ["10.0.0.0/8", "fd00::/8"], "fd00::1", .follow),
      (.follow, ["10.0.0.0/8"], "11.1.1.1", .passThrough),
      (.follow, ["10.0.0.0/8"], nil, .passThrough),
    ] as [(RedirectMode, [String], String?, RedirectMode)]
  )
  func `only clients in the relay networks are relayed`(
    _ mode: RedirectMode,
    _ networks: [String],
    _ client: String?,
    _ expected: RedirectMode
  ) throws {
    var rules = RedirectRules()
    rules.mode = mode
    rules.relayClients = try networks.map { try #require(IPNetwork($0)) }
    #expect(rules.mode(for: try client.map { try #require(IPAddress($0)) }) == expected)
  }
}
