internal import Testing

@testable internal import RegistryHandler

/// Tables of silent endpoints and their trials in "Silent upstreams" of `docs/rules/tokens.md`.
struct EndpointRecordTests {
  /// An event at an endpoint, at a second.
  enum Event: Sendable {
    case response(Int)
    /// A refused or broken connection.
    case failure(Int)
    /// The end of a request of an earlier second without response.
    case silence(since: Int, Int)
    case trial(Int)
    case endOfTrial(Int)
  }

  private static let start = ContinuousClock.now

  private static func instant(_ second: Int) -> ContinuousClock.Instant { start + .seconds(second) }

  private static func record(after events: [Event]) -> EndpointRecord {
    events.reduce(into: EndpointRecord()) { record, event in
      switch event {
      case .response(let now): record.noteAnswer(now: instant(now))
      case .failure(let now): record.noteFailure(now: instant(now))
      case .silence(let start, let now): record.noteSilence(since: instant(start), now: instant(now))
      case .trial(let now): record.beginTrial(now: instant(now))
      case .endOfTrial(let begun): record.endTrial(begun: instant(begun))
      }
    }
  }

  private static let threeSilences: [Event] = [.silence(since: 0, 20), .silence(since: 1, 21), .silence(since: 2, 22)]

  @Test(
    arguments: [
      ([], 0, false),
      // One silence may be a slow request; a refused connection is a response of a kind, and quick.
      ([.silence(since: 0, 20)], 20, false),
      ([.silence(since: 0, 20), .silence(since: 20, 40)], 40, false),
      ([.failure(0), .failure(1), .failure(2), .failure(3)], 3, false),
      ([.silence(since: 0, 20), .failure(21), .silence(since: 20, 40)], 40, false),
      (threeSilences, 22, true),
      ([.silence(since: 0, 20), .silence(since: 20, 40), .silence(since: 40, 60)], 60, true),
      // Silent for half a minute after the last silence or trial.
      (threeSilences, 51, true),
      (threeSilences, 52, false),
      (threeSilences + [.trial(50)], 79, true),
      (threeSilences + [.trial(50)], 80, false),
      (threeSilences + [.failure(30)], 51, true),
      // Not in a row: more than half a minute between them, or a response.
      ([.silence(since: 0, 20), .silence(since: 30, 50), .silence(since: 50, 70)], 70, false),
      ([.silence(since: 0, 20), .silence(since: 1, 21), .response(21), .silence(since: 22, 42)], 42, false),
      (threeSilences + [.response(23)], 23, false),
      // Other requests got a response meanwhile.
      ([.response(5), .silence(since: 0, 20), .silence(since: 4, 24), .silence(since: 5, 25)], 25, false),
      ([.response(5), .silence(since: 6, 20), .silence(since: 7, 21), .silence(since: 8, 22)], 22, true),
    ] as [([Event], Int, Bool)]
  )
  func `an endpoint is silent after three requests in a row without response`(
    _ events: [Event],
    _ now: Int,
    _ isSilent: Bool
  ) {
    #expect(Self.record(after: events).isSilent(now: Self.instant(now)) == isSilent)
  }

  @Test(
    arguments: [
      ([], 22, true),
      ([.trial(22)], 22, false),
      ([.trial(22)], 26, false),
      // The response of the trial itself may take long.
      ([.trial(22)], 27, true),
      ([.trial(22), .endOfTrial(22)], 23, true),
      ([.trial(22), .trial(27), .endOfTrial(22)], 28, false),
      ([.trial(22), .trial(27), .endOfTrial(27)], 28, true),
      ([.trial(22), .response(23)], 23, true),
    ] as [([Event], Int, Bool)]
  )
  func `a silent endpoint is tried by one request at a time`(_ events: [Event], _ now: Int, _ mayBeTried: Bool) {
    #expect(Self.record(after: Self.threeSilences + events).mayBeTried(now: Self.instant(now)) == mayBeTried)
  }
}
