internal import HTTPTypes
internal import RegistryHandler
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

/// Table "Where a followed redirect may lead" of `docs/rules/redirects.md`, with real connections.
struct VettedAddressesTests {
  private let storage: StorageFixture

  init() throws { storage = try StorageFixture() }

  @Test(
    arguments: [
      "127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
      "10.0.0.1", "169.254.169.254", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]",
    ]
  )
  func `no connection is opened to a private address`(_ host: String) async throws {
    let error = await #expect(throws: UpstreamError.self) {
      try await storage.get("http://\(host):\(storage.server.port)/x", .publicOr(allowed: []))
    }
    #expect(error?.kind == .invalidResponse)
    #expect(error?.reason.contains(host) == true)
    #expect(error?.reason.contains("allow_private") == true)
    #expect(storage.server.requests.isEmpty)
  }

  @Test(arguments: ["127.0.0.1", "localhost", "2130706433", "127.1"])
  func `a connection is opened to a private address that the operator permits`(_ host: String) async throws {
    let response = try await storage.get("http://\(host):\(storage.server.port)/x", StorageFixture.loopback)
    #expect(response == (200, "hello"))
    #expect(storage.server.requests.first?.headers["Host"] == "\(host):\(storage.server.port)")
  }

  @Test func `the connection is opened to the vetted address, without a second lookup`() async throws {
    // A name server with a harmless address for the first lookup and another for the second.
    let resolver = ScriptedResolver([["127.0.0.1"], ["127.0.0.2"]])
    let response = try await storage.get(
      "http://storage.test:\(storage.server.port)/x",
      StorageFixture.loopback,
      resolver: resolver
    )
    #expect(response == (200, "hello"))
    #expect(storage.server.requests.first?.headers["Host"] == "storage.test:\(storage.server.port)")
    #expect(resolver.lookups == ["storage.test"])
  }

  @Test func `an address family that cannot be reached does not hide the other`() async throws {
    let rule = AddressRule.publicOr(allowed: ["127.0.0.0/8", "::1", "100::/64"].compactMap(IPNetwork.init))
    let resolver = ScriptedResolver([["100::1", "100::2", "100::3", "100::4", "127.0.0.1"]])
    #expect(
      try await storage.get("http://storage.test:\(storage.server.port)/x", rule, resolver: resolver) == (200, "hello")
    )
  }

  @Test func `only the permitted ones of several addresses are tried`() async throws {
    let only = AddressRule.publicOr(allowed: ["127.0.0.1", "127.0.0.9"].compactMap(IPNetwork.init))
    // No server listens at the first permitted address.
    let resolver = ScriptedResolver([["10.0.0.1", "127.0.0.9", "127.0.0.1"]])
    #expect(
      try await storage.get("http://storage.test:\(storage.server.port)/x", only, resolver: resolver) == (200, "hello")
    )
    let none = ScriptedResolver([["10.0.0.1", "127.0.0.2"]])
    await #expect(throws: UpstreamError.self) {
      try await storage.get("http://storage.test:\(storage.server.port)/x", only, resolver: none)
    }
  }
}
