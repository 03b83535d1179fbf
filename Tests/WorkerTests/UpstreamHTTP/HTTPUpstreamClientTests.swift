internal import HTTPTypes
internal import RegistryHandler
internal import RegistryTestSupport
internal import Synchronization
internal import Testing

@testable internal import regproxy_fcgi

/// Table "Where a followed redirect may lead" of `docs/request-handling.md`, with real connections.
struct HTTPUpstreamClientTests {
  private let server: ScriptedRegistry

  init() throws {
    server = try ScriptedRegistry()
    server.answer("/x", with: ScriptedAnswer(body: .bytes(Array("hello".utf8))))
  }

  private func get(
    _ url: String,
    _ rule: AddressRule,
    resolver: any AddressResolver = SystemResolver()
  ) async throws -> (status: Int, text: String) {
    let client = HTTPUpstreamClient(threadCount: 1, resolver: resolver)
    do {
      let request = UpstreamRequest(method: .get, url: try #require(HTTPURL(url)), addresses: rule)
      let response = try await client.execute(request)
      let bytes = try await response.body.collect(upTo: 1000) ?? []
      await client.shutDown()
      return (response.status, String(decoding: bytes, as: UTF8.self))
    } catch {
      await client.shutDown()
      throw error
    }
  }

  private static let loopback = AddressRule.publicOr(allowed: ["127.0.0.0/8", "::1"].compactMap(IPNetwork.init))

  @Test(
    arguments: [
      "127.0.0.1", "localhost", "2130706433", "0x7f.1", "0177.0.0.1", "127.1", "[::1]", "[::ffff:127.0.0.1]", "0.0.0.0",
      "10.0.0.1", "169.254.169.254", "[fd00::1]", "[fe80::1]", "[64:ff9b::7f00:1]",
    ]
  )
  func `a private address is not connected to`(_ host: String) async throws {
    let error = await #expect(throws: UpstreamError.self) {
      try await get("http://\(host):\(server.port)/x", .publicOr(allowed: []))
    }
    #expect(error?.kind == .invalidResponse)
    #expect(error?.reason.contains(host) == true)
    #expect(error?.reason.contains("allow_private") == true)
    #expect(server.requests.isEmpty)
  }

  @Test(arguments: ["127.0.0.1", "localhost", "2130706433", "127.1"])
  func `one that the operator opened is`(_ host: String) async throws {
    let answer = try await get("http://\(host):\(server.port)/x", Self.loopback)
    #expect(answer == (200, "hello"))
    #expect(server.requests.first?.headers["Host"] == "\(host):\(server.port)")
  }

  @Test func `the address that was looked at is the one that is connected to`() async throws {
    // A name server that says something harmless first, and the truth when asked again.
    let resolver = ScriptedResolver([["127.0.0.1"], ["127.0.0.2"]])
    let answer = try await get("http://storage.test:\(server.port)/x", Self.loopback, resolver: resolver)
    #expect(answer == (200, "hello"))
    #expect(server.requests.first?.headers["Host"] == "storage.test:\(server.port)")
    #expect(resolver.questions == ["storage.test"])
  }

  @Test func `a family of addresses that leads nowhere does not hide the other`() async throws {
    let rule = AddressRule.publicOr(allowed: ["127.0.0.0/8", "::1", "100::/64"].compactMap(IPNetwork.init))
    let resolver = ScriptedResolver([["100::1", "100::2", "100::3", "100::4", "127.0.0.1"]])
    #expect(try await get("http://storage.test:\(server.port)/x", rule, resolver: resolver) == (200, "hello"))
  }

  @Test func `of several addresses, those that may be are tried`() async throws {
    let only = AddressRule.publicOr(allowed: ["127.0.0.1", "127.0.0.9"].compactMap(IPNetwork.init))
    // Nobody listens at the first that may be.
    let resolver = ScriptedResolver([["10.0.0.1", "127.0.0.9", "127.0.0.1"]])
    #expect(try await get("http://storage.test:\(server.port)/x", only, resolver: resolver) == (200, "hello"))
    let none = ScriptedResolver([["10.0.0.1", "127.0.0.2"]])
    await #expect(throws: UpstreamError.self) {
      try await get("http://storage.test:\(server.port)/x", only, resolver: none)
    }
  }

  @Test func `a name that leads nowhere is unreachable`() async throws {
    let error = await #expect(throws: UpstreamError.self) {
      try await get("http://nowhere.invalid:\(server.port)/x", .publicOr(allowed: []))
    }
    #expect(error?.kind == .unreachable)
  }

  @Test(
    arguments: [
      "/a//b/../c/./d", "/a?x=%2f%2F&y=a+b/c==&z=~!$&'()*,;:@/?", "/%7E%20%25?%00", "/?", "/a?b?c=/../d",
      "/a;p=1/b:c@d",
      "/x?X-Amz-Credential=AKIA%2F20260101%2Fus-east-1%2Fs3%2Faws4_request&X-Amz-SignedHeaders=host",
    ]
  )
  func `path and query arrive byte for byte`(_ target: String) async throws {
    let url = try #require(HTTPURL("http://127.0.0.1:\(server.port)\(target)"))
    #expect(url.hasOnlyURICharacters)
    _ = try await get(url.description, Self.loopback)
    #expect(server.requests.map(\.target) == [target])
  }

  @Test func `a second reading of an answer is an error, and nothing more`() async throws {
    let client = HTTPUpstreamClient(threadCount: 1)
    let request = UpstreamRequest(method: .get, url: try #require(HTTPURL("\(server.url)/x")))
    let response = try await client.execute(request)
    #expect(try await response.body.collect(upTo: 1000) == Array("hello".utf8))
    let error = await #expect(throws: UpstreamError.self) { try await response.body.collect(upTo: 1000) }
    #expect(error?.kind == .invalidResponse)
    await response.body.discard()
    #expect(try await client.execute(request).status == 200)
    await client.shutDown()
  }

  @Test func `a server that closes half of its kept connections answers every request`() async throws {
    server.answer("/x") { [weak server] _ in
      let isEven = server?.requests.count.isMultiple(of: 2) ?? true
      return ScriptedAnswer(body: .bytes(Array("hello".utf8)), closesConnection: isEven)
    }
    let client = HTTPUpstreamClient(threadCount: 1)
    let url = try #require(HTTPURL("\(server.url)/x"))
    let failures = await withTaskGroup(of: [UpstreamError].self) { group in
      for _ in 0..<8 {
        group.addTask {
          var failures: [UpstreamError] = []
          for _ in 0..<50 {
            do throws(UpstreamError) {
              _ = try await client.execute(UpstreamRequest(method: .get, url: url)).body.collect(upTo: 1000)
            } catch {
              failures.append(error)
            }
          }
          return failures
        }
      }
      return await group.reduce([], +)
    }
    #expect(failures.isEmpty)
    await client.shutDown()
  }

  @Test(
    arguments: [
      "[::::]", "[.]", "-", "_", "xn--", "xn--a-ecp.test", "1.2.3.4.5", "256.1.1.1", "[1.2.3.4]",
      String(repeating: "a", count: 64) + ".test", String(repeating: "a.", count: 200) + "test",
      String(repeating: "9", count: 30_000),
    ],
    ["http", "https"]
  )
  func `a host that nothing can be called is an error, and nothing more`(_ host: String, _ scheme: String) async throws
  {
    let url = "\(scheme)://\(host):\(server.port)/x"
    await #expect(throws: UpstreamError.self) { try await get(url, .any) }
    // The same where name servers know it after all.
    _ = try? await get(url, Self.loopback, resolver: ScriptedResolver([["127.0.0.1"]]))
  }

  @Test(
    arguments: [
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "rubbish", "\0", "\r\n",
      String(repeating: "HTTP/1.1 101 Switching Protocols\r\n\r\n", count: 50),
    ]
  )
  func `what a server sends behind its answer ends no more than its connection`(_ rest: String) async throws {
    server.answer(
      "/x",
      with: ScriptedAnswer(headers: ["Content-Length": "5"], body: .bytes(Array("hello\(rest)".utf8)))
    )
    let client = HTTPUpstreamClient(threadCount: 1)
    let url = try #require(HTTPURL("\(server.url)/x"))
    for _ in 0..<20 {
      let response = try await client.execute(UpstreamRequest(method: .get, url: url))
      #expect(try await response.body.collect(upTo: 1000) == Array("hello".utf8))
    }
    await client.shutDown()
  }

  @Test func `many hosts share the clients that may be kept`() async throws {
    let client = HTTPUpstreamClient(threadCount: 1, resolver: ScriptedResolver([["127.0.0.1"]]))
    for number in 0..<200 {
      let url = try #require(HTTPURL("http://s\(number).test:\(server.port)/x"))
      let response = try await client.execute(UpstreamRequest(method: .get, url: url, addresses: Self.loopback))
      #expect(try await response.body.collect(upTo: 1000)?.count == 5)
    }
    #expect(client.clientCount <= 66)
    #expect(server.requests.count == 200)
    await client.shutDown()
  }
}

/// Name servers that change their mind.
private final class ScriptedResolver: AddressResolver {
  private let state: Mutex<(answers: [[String]], questions: [String])>

  init(_ answers: [[String]]) { state = Mutex((answers, [])) }

  var questions: [String] { state.withLock(\.questions) }

  func addresses(of host: String) async throws(UpstreamError) -> [IPAddress] {
    state.withLock { state in
      state.questions.append(host)
      let answer = state.answers.count > 1 ? state.answers.removeFirst() : state.answers[0]
      return answer.compactMap { IPAddress($0) }
    }
  }
}
