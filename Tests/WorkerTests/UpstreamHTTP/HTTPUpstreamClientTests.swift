internal import HTTPTypes
internal import RegistryHandler
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct HTTPUpstreamClientTests {
  private let storage: StorageFixture

  init() throws { storage = try StorageFixture() }

  @Test func `a host that cannot be resolved is unreachable`() async throws {
    let error = await #expect(throws: UpstreamError.self) {
      try await storage.get("http://nowhere.invalid:\(storage.server.port)/x", .publicOr(allowed: []))
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
    let url = try #require(HTTPURL("http://127.0.0.1:\(storage.server.port)\(target)"))
    #expect(url.hasOnlyURICharacters)
    _ = try await storage.get(url.description, StorageFixture.loopback)
    #expect(storage.server.requests.map(\.target) == [target])
  }

  @Test func `every request succeeds if the server closes half of its persistent connections`() async throws {
    storage.server.answer("/x") { [weak server = storage.server] _ in
      let isEven = server?.requests.count.isMultiple(of: 2) ?? true
      return ScriptedResponse(body: .bytes(Array("hello".utf8)), closesConnection: isEven)
    }
    let client = HTTPUpstreamClient(threadCount: 1)
    let url = try #require(HTTPURL("\(storage.server.url)/x"))
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
  func `a host that is not a valid name is an error, not a crash`(_ host: String, _ scheme: String) async throws {
    let url = "\(scheme)://\(host):\(storage.server.port)/x"
    await #expect(throws: UpstreamError.self) { try await storage.get(url, .any) }
    // Even if a name server resolves the host.
    _ = try? await storage.get(url, StorageFixture.loopback, resolver: ScriptedResolver([["127.0.0.1"]]))
  }

  @Test(
    arguments: [
      "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", "HTTP/1.1 100 Continue\r\n\r\n", "rubbish", "\0", "\r\n",
      String(repeating: "HTTP/1.1 101 Switching Protocols\r\n\r\n", count: 50),
    ]
  )
  func `bytes after a response end only their connection`(_ rest: String) async throws {
    storage.server.answer(
      "/x",
      with: ScriptedResponse(headers: ["Content-Length": "5"], body: .bytes(Array("hello\(rest)".utf8)))
    )
    let client = HTTPUpstreamClient(threadCount: 1)
    let url = try #require(HTTPURL("\(storage.server.url)/x"))
    for _ in 0..<20 {
      let response = try await client.execute(UpstreamRequest(method: .get, url: url))
      #expect(try await response.body.collect(upTo: 1000) == Array("hello".utf8))
    }
    await client.shutDown()
  }
}
