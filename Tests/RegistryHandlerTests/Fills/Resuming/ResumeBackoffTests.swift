internal import Testing

@testable internal import RegistryHandler

/// Table of the retries, in "Resuming a download" of `docs/rules/blobs.md`.
struct ResumeBackoffTests {
  @Test func `retries end after five in a row without progress`() {
    var backoff = ResumeBackoff(endpoints: 1, first: 0)
    var total = Duration.zero
    for _ in 0..<5 { total += backoff.next(after: Self.brokenOff)?.delay ?? .seconds(1000) }
    #expect(backoff.next(after: Self.brokenOff) == nil)
    #expect(total < .seconds(10))
    backoff.noteProgress()
    let next = backoff.next(after: Self.brokenOff)
    #expect(next == ResumeBackoff.Retry(delay: .milliseconds(100), endpoint: 0))
  }

  private static let brokenOff = FillFailure.upstream(UpstreamError(.unreachable, "broken off"))
  private static let stalled = FillFailure.upstream(.stalled)
  private static let unknown = FillFailure.upstream(UpstreamError(.status, "not there", status: 404))

  /// Returns the endpoints that are requested after these failures; `nil` stands for bytes that arrived.
  private func requested(of endpoints: Int, first: Int = 0, after failures: [FillFailure?]) -> [Int?] {
    var backoff = ResumeBackoff(endpoints: endpoints, first: first)
    return failures.compactMap { failure in
      guard let failure else {
        backoff.noteProgress()
        return nil
      }
      return .some(backoff.next(after: failure)?.endpoint)
    }
  }

  @Test func `an endpoint gets one retry before the next endpoint`() {
    let failures: [FillFailure?] = Array(repeating: Self.brokenOff, count: 5)
    #expect(requested(of: 3, first: 1, after: failures) == [1, 2, 0, 1, 2])
    // The endpoint that brought bytes is the current one now.
    #expect(requested(of: 3, first: 1, after: failures + [nil] + failures.prefix(2)) == [1, 2, 0, 1, 2, 2, 0])
  }

  @Test func `a stalled endpoint is not tried again before the others`() {
    #expect(requested(of: 2, after: [Self.stalled, nil, Self.stalled]) == [1, 0])
    #expect(requested(of: 1, after: [Self.stalled]) == [0])
  }

  /// Returns for each of these failures whether it was final; `nil` stands for bytes that arrived.
  private func areFinal(of endpoints: Int, _ failures: [FillFailure?]) -> [Bool] {
    var backoff = ResumeBackoff(endpoints: endpoints, first: 0)
    return failures.compactMap { failure in
      guard let failure else {
        backoff.noteProgress()
        return nil
      }
      return backoff.isFinal(failure)
    }
  }

  @Test func `a refusal is final once each endpoint has refused in a row`() {
    #expect(areFinal(of: 1, [Self.brokenOff, Self.unknown]) == [false, true])
    #expect(
      areFinal(of: 2, [Self.unknown, Self.stalled, .contentChanged, Self.unknown]) == [false, false, false, true]
    )
    #expect(areFinal(of: 2, [Self.unknown, nil, Self.unknown]) == [false, false])
  }

  @Test func `an upstream that sends a byte per connection is not retried forever`() {
    var backoff = ResumeBackoff(endpoints: 1, first: 0)
    var count = 0
    while backoff.next(after: Self.brokenOff) != nil, count < 5000 {
      backoff.noteProgress()
      count += 1
    }
    #expect(count == 1000)
  }

  @Test func `three tries after a stall fit into the minute that nginx waits for a byte`() throws {
    var backoff = ResumeBackoff(endpoints: 1, first: 0)
    var elapsed = StallDetector.window
    for _ in 0..<3 {
      let next = backoff.next(after: Self.stalled)
      elapsed += try #require(next).delay + ResumeBackoff.timeout
    }
    #expect(elapsed < .seconds(60))
  }

  @Test func `a failure of the store or the file, or an abandoned fill, is final at once`() {
    for failure in [FillFailure.store(.noRoom), .fileReplaced, .abandoned] {
      #expect(areFinal(of: 3, [failure]) == [true])
    }
  }

  @Test func `a policy without retries allows none`() {
    var backoff = ResumeBackoff.never
    #expect(backoff.next(after: Self.brokenOff) == nil)
  }

  @Test func `changed content that one of two endpoints sends last keeps the partial file`() async {
    var backoff = ResumeBackoff(endpoints: 2, first: 1)
    var attempts = 0
    let failure = await #expect(throws: FillFailure.self) {
      try await backoff.retry(after: Self.brokenOff) { endpoint, _ throws(FillFailure) in
        attempts += 1
        throw endpoint == 1 ? .contentChanged : Self.brokenOff
      }
    }
    #expect(attempts == 5)
    // The same failure to clients, but none that discards the file.
    #expect(failure == .upstream(FillFailure.contentChanged.upstreamError))
  }
}
