/// How an endpoint has answered lately; pure.
struct EndpointRecord: Equatable, Sendable {
  typealias Instant = ContinuousClock.Instant

  /// Requests without an answer in a row that make an endpoint silent. One may have asked for something that takes long.
  private static let silenceLimit = 3

  /// How long a request that tries a silent endpoint keeps others from doing so: the first may ask for something that
  /// takes long.
  private static let trialTime: Duration = .seconds(5)

  /// When it is asked in its turn again, after a failure.
  var retry: Instant?
  private var silences = 0
  /// When it was last seen to be silent, or tried for that reason.
  private var lastSilence: Instant?
  private var lastAnswer: Instant?
  private var trial: Instant?

  /// Whether no answer has come from it lately, although it was asked several times.
  func isSilent(now: Instant) -> Bool {
    guard silences >= Self.silenceLimit, let lastSilence else { return false }
    return now < lastSilence + EndpointHealth.cooldown
  }

  /// Whether a request may try it while it is silent.
  func mayBeTried(now: Instant) -> Bool { trial.map { now >= $0 + Self.trialTime } ?? true }

  /// A request tries it now; the others are to know how that ends.
  mutating func beginTrial(now: Instant) { (trial, lastSilence) = (now, now) }

  /// The request that tried it is over, whatever came of it.
  mutating func endTrial(begun: Instant) {
    if trial == begun { trial = nil }
  }

  mutating func noteAnswer(now: Instant) {
    self = EndpointRecord()
    lastAnswer = now
  }

  /// It refused a connection or broke it: quickly, so that others may find out by themselves.
  mutating func noteFailure(now: Instant) { retry = now + EndpointHealth.cooldown }

  /// A request that began at `start` got no answer in its time.
  mutating func noteSilence(since start: Instant, now: Instant) {
    noteFailure(now: now)
    // It answers others: what was asked for takes long.
    if let lastAnswer, lastAnswer >= start { return }
    if let lastSilence, now >= lastSilence + EndpointHealth.cooldown { silences = 0 }
    silences += 1
    lastSilence = now
  }
}
