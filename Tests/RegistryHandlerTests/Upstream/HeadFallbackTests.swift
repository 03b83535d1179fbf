internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table "Errors" of `docs/request-handling.md`: GET after HEAD was refused with 401.
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
  func `another answer than 401 is no refusal`(_ failure: UpstreamError?, _ isRefused: Bool?) {
    #expect(HeadFallback.isRefused(failure) == isRefused)
  }

  /// How often GET is asked when HEAD of so many tags is refused, one after the other.
  private func asked(_ count: Int, by method: HTTPRequest.Method = .head, _ failure: UpstreamError? = refused) async
    -> Int
  {
    var asked = 0
    for _ in 0..<count {
      _ = try? await fallback.retry(key, after: Self.refused, by: method) { () throws(UpstreamError) in
        asked += 1
        if let failure { throw failure }
      }
    }
    return asked
  }

  @Test func `where GET is refused, too, it is tried once in ten minutes`() async {
    #expect(await asked(20) == 1)
    clock.advance(by: 599)
    #expect(await asked(20) == 0)
    clock.advance(by: 1)
    #expect(await asked(20) == 1)
  }

  @Test func `where GET helps it is always tried`() async {
    #expect(await asked(20, nil) == 20)
    clock.advance(by: 1)
    #expect(await asked(20, nil) == 20)
  }

  @Test func `what tells of a moment teaches nothing`() async {
    #expect(await asked(3, UpstreamError(.unreachable, "no")) == 3)
    #expect(await asked(3) == 1)
  }

  @Test func `who asks by GET is not kept from it, and teaches the others`() async {
    #expect(await asked(1) == 1)
    #expect(await asked(3, by: .get) == 3)
    #expect(await asked(3) == 0)
    #expect(await asked(1, by: .get, nil) == 1)
    #expect(await asked(3, nil) == 3)
  }

  @Test func `kinds and repositories are apart`() async throws {
    fallback.record(Self.refused, HeadFallback.Key(repository: key.repository, kind: .blob))
    fallback.record(
      Self.refused,
      HeadFallback.Key(repository: try Values.repository("r.test", "team/other"), kind: .manifest)
    )
    #expect(await asked(2) == 1)
  }
}
