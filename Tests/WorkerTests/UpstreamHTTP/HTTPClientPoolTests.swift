internal import HTTPTypes
internal import RegistryHandler
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct HTTPClientPoolTests {
  private let storage: StorageFixture

  init() throws { storage = try StorageFixture() }

  @Test func `the number of clients stays limited for many hosts`() async throws {
    let client = HTTPUpstreamClient(threadCount: 1, resolver: ScriptedResolver([["127.0.0.1"]]))
    for number in 0..<200 {
      let url = try #require(HTTPURL("http://s\(number).test:\(storage.server.port)/x"))
      let response = try await client.execute(
        UpstreamRequest(method: .get, url: url, addresses: StorageFixture.loopback)
      )
      #expect(try await response.body.collect(upTo: 1000)?.count == 5)
    }
    #expect(client.clientCount <= 66)
    #expect(storage.server.requests.count == 200)
    await client.shutDown()
  }
}
