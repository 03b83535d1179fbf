internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "`GET` after a refused `HEAD`" of `docs/rules/tokens.md`.
struct HeadFallbackTests {
  private static let refused = UpstreamError(.status, "no", status: 401)

  private let clock = ManualClock()
  private let fallback: HeadFallback
  private let key: HeadFallback.Key

  init() throws {
    fallback = HeadFallback { [clock] in clock.now }
    key = HeadFallback.Key(repository: try Values.repository("r.test", "team/app"), kind: .manifest)
  }

  @Test(
    arguments: [
      (nil, false),
      (UpstreamError(.status, "", status: 404), false),
      (UpstreamError(.status, "", status: 403), false),
      (UpstreamError(.invalidResponse, ""), false),
      (refused, true),
      (UpstreamError(.authentication, "", status: 401), true),
      (UpstreamError(.authentication, ""), nil),
      (UpstreamError(.status, "", status: 429), nil),
      (UpstreamError(.status, "", status: 500), nil),
      (UpstreamError(.unreachable, ""), nil),
      (UpstreamError(.timeout, ""), nil),
      (UpstreamError(.stalled, ""), nil),
      (UpstreamError(.unavailable, ""), nil),
      (.cancelled, nil),
    ] as [(UpstreamError?, Bool?)]
  )
  func `a 401 is a refusal, and a transient failure decides nothing`(_ failure: UpstreamError?, _ isRefused: Bool?) {
    #expect(HeadFallback.isRefused(failure) == isRefused)
  }

  /// Returns the number of `GET` requests when `HEAD` of so many tags is refused, one after the other.
  private func requested(_ count: Int, by method: HTTPRequest.Method = .head, _ failure: UpstreamError? = refused) async
    -> Int
  {
    var requested = 0
    for _ in 0..<count {
      _ = try? await fallback.retry(key, after: Self.refused, by: method) { () throws(UpstreamError) in
        requested += 1
        if let failure { throw failure }
      }
    }
    return requested
  }

  @Test func `a GET that is refused too is sent once in ten minutes`() async {
    #expect(await requested(20) == 1)
    clock.advance(by: 599)
    #expect(await requested(20) == 0)
    clock.advance(by: 1)
    #expect(await requested(20) == 1)
  }

  @Test func `a GET that succeeds is sent for each refused HEAD`() async {
    #expect(await requested(20, nil) == 20)
    clock.advance(by: 1)
    #expect(await requested(20, nil) == 20)
  }

  @Test func `a transient failure of GET is not remembered`() async {
    #expect(await requested(3, UpstreamError(.unreachable, "no")) == 3)
    #expect(await requested(3) == 1)
  }

  @Test func `a client's GET is always sent, and its result decides for later HEADs`() async {
    #expect(await requested(1) == 1)
    #expect(await requested(3, by: .get) == 3)
    #expect(await requested(3) == 0)
    #expect(await requested(1, by: .get, nil) == 1)
    #expect(await requested(3, nil) == 3)
  }

  @Test func `a refusal is remembered per repository and kind`() async throws {
    fallback.record(Self.refused, HeadFallback.Key(repository: key.repository, kind: .blob))
    fallback.record(
      Self.refused,
      HeadFallback.Key(repository: try Values.repository("r.test", "team/other"), kind: .manifest)
    )
    #expect(await requested(2) == 1)
  }
}
