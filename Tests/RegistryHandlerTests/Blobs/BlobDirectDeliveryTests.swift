internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Ranges" of `docs/rules/blobs.md`: the worker sends a stored blob itself.
struct BlobDirectDeliveryTests {
  private let fixture: ProxyFixture
  private let digest: Digest
  private let tag = "\"3b9aca00-a\""

  /// Stores `0123456789` and links it to `o/a`.
  init() throws {
    fixture = try ProxyFixture(delivery: .direct)
    digest = try Values.digest(of: "0123456789")
    try fixture.store.keep(Array("0123456789".utf8), as: digest)
    try fixture.store.link(digest, in: try Values.repository("r.test", "o/a"))
  }

  @Test func `the whole blob has all headers that nginx would send`() async throws {
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)")
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == "10")
    #expect(response.headers[.acceptRanges] == "bytes")
    #expect(response.headers[.eTag] == tag)
    #expect(response.headers[.dockerContentDigest] == digest.description)
    #expect(response.headers[.xCache] == "HIT")
    #expect(try await fixture.content(of: response) == Array("0123456789".utf8))
  }

  @Test func `HEAD has the same headers and no body`() async throws {
    let response = await fixture.send(.head, "/v2/o/a/blobs/\(digest)", [.range: "bytes=0-1"])
    #expect(response.status == 200)
    #expect(response.headers[.contentLength] == "10")
    #expect(try await fixture.content(of: response).isEmpty)
  }

  @Test(
    arguments: [
      ("bytes=2-4", 206, "bytes 2-4/10", "234"),
      ("bytes=-1", 206, "bytes 9-9/10", "9"),
      ("bytes=8-99", 206, "bytes 8-9/10", "89"),
      ("bytes=10-", 416, "bytes */10", ""),
      ("bytes=0-1,3-4", 200, nil, "0123456789"),
      ("lines=1-2", 200, nil, "0123456789"),
    ]
  )
  func `a range gets its part`(
    _ range: String,
    _ status: Int,
    _ contentRange: String?,
    _ text: String
  ) async throws {
    let response = await fixture.send(.get, "/v2/o/a/blobs/\(digest)", [.range: range])
    #expect(response.status == status)
    #expect(response.headers[.contentRange] == contentRange)
    #expect(response.headers[.contentLength] == String(text.utf8.count))
    #expect(try await fixture.content(of: response) == Array(text.utf8))
  }

  @Test(arguments: [("\"3b9aca00-a\"", 206), ("\"other\"", 200), ("Sat, 08 Sep 2001 00:00:00 GMT", 200)])
  func `a range with the validator of another version gets the whole blob`(_ validator: String, _ status: Int) async {
    let headers: HTTPFields = [.range: "bytes=0-1", .ifRange: validator]
    #expect(await fixture.send(.get, "/v2/o/a/blobs/\(digest)", headers).status == status)
  }
}
