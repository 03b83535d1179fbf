internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Starting where another download ended" of `docs/rules/blobs.md`.
struct FirstResponseTests {
  private func firstResponse(_ status: Int, _ headers: HTTPFields, offset: Int64 = 40, start: Int64? = nil)
    -> FirstResponse
  {
    let response = UpstreamResponse(status: status, headers: headers, body: FakeBody(chunks: []))
    return FirstResponse(response, offset: offset, start: start ?? offset)
  }

  @Test func `a leftover is resumed where upstream agrees`() {
    #expect(firstResponse(206, [.contentRange: "bytes 40-99/100"]) == .receive(size: 100, skipping: 0))
    #expect(firstResponse(200, [.contentLength: "100"]) == .receive(size: 100, skipping: 40))
    #expect(firstResponse(200, [.contentLength: "40"]) == .receive(size: 40, skipping: 40))
    #expect(firstResponse(200, [:]) == .receive(size: nil, skipping: 40))
    #expect(firstResponse(200, [.contentLength: "100"], offset: 0) == .receive(size: 100, skipping: 0))
    // The last byte of a complete leftover, as a proof.
    #expect(firstResponse(206, [.contentRange: "bytes 39-39/40"], start: 39) == .receive(size: 40, skipping: 1))
  }

  @Test func `a leftover that is not a prefix is discarded`() {
    for range in ["bytes 0-99/100", "bytes 41-99/100", "bytes 40-99/*", "x"] {
      #expect(firstResponse(206, [.contentRange: range]) == .startAgain)
    }
    #expect(firstResponse(206, [:]) == .startAgain)
    #expect(firstResponse(416, [.contentRange: "bytes */10"]) == .startAgain)
    #expect(firstResponse(200, [.contentLength: "39"]) == .startAgain)
  }

  @Test(arguments: [204, 206, 400, 401, 404, 416, 500]) func `any other first response is a refusal`(
    _ status: Int
  ) {
    #expect(firstResponse(status, [:], offset: 0) == .refused)
  }
}
