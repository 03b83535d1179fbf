internal import HTTPTypes
internal import RegistryHandler
internal import RegistryTestSupport
internal import Testing

@testable internal import regproxy_fcgi

/// A server on loopback that serves `hello` at `/x`, reached by an HTTPUpstreamClient.
struct StorageFixture {
  /// The rule that permits loopback addresses.
  static let loopback = AddressRule.publicOr(allowed: ["127.0.0.0/8", "::1"].compactMap(IPNetwork.init))

  let server: ScriptedRegistry

  init() throws {
    server = try ScriptedRegistry()
    server.answer("/x", with: ScriptedResponse(body: .bytes(Array("hello".utf8))))
  }

  /// Sends a GET by a client of its own.
  func get(
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
}
