/// The times and endpoints of the requests for the rest of a blob that broke off.
struct ResumeBackoff: Sendable {
  struct Retry: Equatable, Sendable {
    /// The pause before the request.
    var delay: Duration
    /// The index of the endpoint among the upstream's.
    var endpoint: Int
  }

  /// Together well below the time that nginx waits for the next byte.
  private static let delays: [Duration] = [
    .milliseconds(100), .milliseconds(400), .seconds(1), .seconds(2), .seconds(4),
  ]

  /// The longest wait of a retry for the head of its response: after a stall of 30 s, three of them fit into the minute
  /// that nginx waits for the next byte.
  static let timeout: Duration = .seconds(8)

  /// A bound for an upstream that sends a byte per connection.
  private static let maximumRetries = 1000

  /// A policy that allows no retry.
  static let never: ResumeBackoff = {
    var backoff = ResumeBackoff(endpoints: 1, first: 0)
    backoff.retries = maximumRetries
    return backoff
  }()

  private let endpoints: Int
  private var endpoint: Int
  private var retries = 0
  private var retriesInVain = 0
  private var refusals = 0

  /// - Parameters:
  ///   - endpoints: the number of endpoints of the upstream.
  ///   - first: the index of the one that sent the beginning.
  init(endpoints: Int, first: Int) {
    self.endpoints = endpoints
    endpoint = first
  }

  /// Returns the next retry; `nil` when it is time to give up.
  ///
  /// The endpoint that broke off gets one more request; after a retry in vain, or a stall, the next one's turn comes.
  mutating func next(after failure: FillFailure) -> Retry? {
    guard retriesInVain < Self.delays.count, retries < Self.maximumRetries else { return nil }
    if retriesInVain > 0 || failure.isTimeout { endpoint = (endpoint + 1) % endpoints }
    defer {
      retries += 1
      retriesInVain += 1
    }
    return Retry(delay: Self.delays[retriesInVain], endpoint: endpoint)
  }

  /// Records that bytes have arrived: the next failure is a new one.
  mutating func noteProgress() {
    retriesInVain = 0
    refusals = 0
  }

  /// Returns whether a failure ends the retries: upstream's own does when every endpoint in a row has refused.
  mutating func isFinal(_ failure: FillFailure) -> Bool {
    guard failure.isOfUpstream else { return true }
    refusals = failure.isTransient ? 0 : refusals + 1
    return refusals >= endpoints
  }

  /// Repeats an attempt, after a failure and its pause, until it succeeds or a failure is final.
  mutating func retry<Value>(
    after failure: FillFailure,
    _ attempt: (_ endpoint: Int, _ failure: FillFailure) async throws(FillFailure) -> Value
  ) async throws(FillFailure) -> Value {
    var failure = failure
    while let next = next(after: failure) {
      guard (try? await Task.sleep(for: next.delay)) != nil else { throw .upstream(.cancelled) }
      do throws(FillFailure) {
        return try await attempt(next.endpoint, failure)
      } catch {
        if isFinal(error) { throw error }
        failure = error
      }
    }
    // Changed content that not all endpoints have confirmed: the partial file stays.
    throw failure == .contentChanged ? .upstream(failure.upstreamError) : failure
  }
}
