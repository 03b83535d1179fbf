/// The recent responses and failures of an endpoint; pure.
struct EndpointRecord: Equatable, Sendable {
  typealias Instant = ContinuousClock.Instant

  /// The number of requests in a row without response that make an endpoint silent: one may just be slow.
  private static let silenceLimit = 3

  /// The time for which a trial of a silent endpoint prevents another one: its response may take long.
  private static let trialTime: Duration = .seconds(5)

  /// The time from which the endpoint is tried in its usual order again, after a failure.
  var retry: Instant?
  private var silences = 0
  /// The time of the last silence or trial.
  private var lastSilence: Instant?
  private var lastResponse: Instant?
  private var trial: Instant?

  /// Returns whether the endpoint has lately left several requests in a row without response.
  func isSilent(now: Instant) -> Bool {
    guard silences >= Self.silenceLimit, let lastSilence else { return false }
    return now < lastSilence + EndpointHealth.cooldown
  }

  /// Returns whether a request may try the endpoint while it is silent.
  func mayBeTried(now: Instant) -> Bool { trial.map { now >= $0 + Self.trialTime } ?? true }

  /// Records the start of a trial, which prevents others until its end.
  mutating func beginTrial(now: Instant) { (trial, lastSilence) = (now, now) }

  /// Records the end of a trial, whatever its outcome.
  mutating func endTrial(begun: Instant) {
    if trial == begun { trial = nil }
  }

  mutating func noteAnswer(now: Instant) {
    self = EndpointRecord()
    lastResponse = now
  }

  /// Records a refused or broken connection, which other requests find out as quickly.
  mutating func noteFailure(now: Instant) { retry = now + EndpointHealth.cooldown }

  /// Records that a request got no response in time.
  /// - Parameter start: the start of the request.
  mutating func noteSilence(since start: Instant, now: Instant) {
    noteFailure(now: now)
    // The endpoint responds to other requests: this one takes long.
    if let lastResponse, lastResponse >= start { return }
    if let lastSilence, now >= lastSilence + EndpointHealth.cooldown { silences = 0 }
    silences += 1
    lastSilence = now
  }
}
