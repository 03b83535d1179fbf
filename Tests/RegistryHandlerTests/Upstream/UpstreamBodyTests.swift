internal import Testing

@testable internal import RegistryHandler

struct UpstreamBodyTests {
  @Test(
    arguments: [
      ([[1, 2], [], [3]], 3, [1, 2, 3]),
      ([[1, 2], [3]], 2, nil),
      ([], 0, []),
      ([[1]], 0, nil),
    ] as [([[UInt8]], Int, [UInt8]?)]
  )
  func `a body is collected up to a limit`(_ chunks: [[UInt8]], _ limit: Int, _ bytes: [UInt8]?) async throws {
    #expect(try await FakeBody(chunks: chunks).collect(upTo: limit) == bytes)
  }

  @Test func `a body that breaks off is an error`() async {
    let failure = UpstreamError(.unreachable, "the connection broke")
    let body = { FakeBody(chunks: [[1]], failure: failure) }
    await #expect(throws: failure) { try await body().collect(upTo: 10) }
    await body().discard()
  }
}
