internal import HTTPTypes
internal import RegistryHandler
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

struct StreamedBodyTests {
  private let storage: StorageFixture

  init() throws { storage = try StorageFixture() }

  @Test func `a second reading of a body is an error, not a crash`() async throws {
    let client = HTTPUpstreamClient(threadCount: 1)
    let request = UpstreamRequest(method: .get, url: try #require(HTTPURL("\(storage.server.url)/x")))
    let response = try await client.execute(request)
    #expect(try await response.body.collect(upTo: 1000) == Array("hello".utf8))
    let error = await #expect(throws: UpstreamError.self) { try await response.body.collect(upTo: 1000) }
    #expect(error?.kind == .invalidResponse)
    await response.body.discard()
    #expect(try await client.execute(request).status == 200)
    await client.shutDown()
  }
}
