internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Table of the answers to the question for the rest, in "Blobs" of `docs/request-handling.md`.
struct ResumedResponseTests {
  private enum Outcome { case append, skip, again, giveUp, changed }

  private func outcome(_ status: Int, _ headers: HTTPFields, size: Int64? = 100) throws -> Outcome {
    let response = UpstreamResponse(status: status, headers: headers, body: FakeBody(chunks: []))
    let route = Route.blob(try Values.repository("a"), try Values.digest(of: "x"))
    return switch ResumedResponse(response, route, offset: 40, size: size) {
    case .append: .append
    case .skipBeginning: .skip
    case .tryAgain: .again
    case .giveUp: .giveUp
    case .changed: .changed
    }
  }

  private func opening(_ status: Int, _ headers: HTTPFields, offset: Int64 = 40, start: Int64? = nil) -> FirstResponse {
    let response = UpstreamResponse(status: status, headers: headers, body: FakeBody(chunks: []))
    return FirstResponse(response, offset: offset, start: start ?? offset)
  }

  @Test func `what is here is gone on with where upstream agrees`() {
    #expect(opening(206, [.contentRange: "bytes 40-99/100"]) == .receive(size: 100, skipping: 0))
    #expect(opening(200, [.contentLength: "100"]) == .receive(size: 100, skipping: 40))
    #expect(opening(200, [.contentLength: "40"]) == .receive(size: 40, skipping: 40))
    #expect(opening(200, [:]) == .receive(size: nil, skipping: 40))
    #expect(opening(200, [.contentLength: "100"], offset: 0) == .receive(size: 100, skipping: 0))
    // The last byte of what is wholly here, as a proof.
    #expect(opening(206, [.contentRange: "bytes 39-39/40"], start: 39) == .receive(size: 40, skipping: 1))
  }

  @Test func `what upstream has another beginning of is thrown away`() {
    for range in ["bytes 0-99/100", "bytes 41-99/100", "bytes 40-99/*", "x"] {
      #expect(opening(206, [.contentRange: range]) == .startAgain)
    }
    #expect(opening(206, [:]) == .startAgain)
    #expect(opening(416, [.contentRange: "bytes */10"]) == .startAgain)
    #expect(opening(200, [.contentLength: "39"]) == .startAgain)
  }

  @Test(arguments: [204, 206, 400, 401, 404, 416, 500]) func `any other answer to the first question is refused`(
    _ status: Int
  ) {
    #expect(opening(status, [:], offset: 0) == .refused)
  }

  @Test func `a range that fits is appended`() throws {
    #expect(try outcome(206, [.contentRange: "bytes 40-99/100"]) == .append)
    #expect(try outcome(206, [.contentRange: "bytes 40-99/*"]) == .append)
    #expect(try outcome(206, [.contentRange: "bytes 40-99/100"], size: nil) == .append)
    // Less than was asked for, which is followed by another question.
    #expect(try outcome(206, [.contentRange: "bytes 40-49/100"]) == .append)
  }

  @Test(arguments: ["bytes 0-99/100", "bytes 39-99/100", "bytes 41-99/100", "bytes 40-100/101", "bytes */100", "x"])
  func `a range that does not fit is not`(_ range: String) throws {
    #expect(try outcome(206, [.contentRange: range]) == .changed)
  }

  @Test func `a range without its place is not appended`() throws { #expect(try outcome(206, [:]) == .changed) }

  @Test func `of the whole, the beginning is skipped`() throws {
    #expect(try outcome(200, [.contentLength: "100"]) == .skip)
    #expect(try outcome(200, [:]) == .skip)
    #expect(try outcome(200, [.contentLength: "101"]) == .changed)
  }

  @Test(arguments: [408, 425, 429, 500, 502, 503, 504]) func `some failures pass`(_ status: Int) throws {
    #expect(try outcome(status, [:]) == .again)
  }

  @Test(arguments: [400, 401, 403, 404, 416]) func `others do not`(_ status: Int) throws {
    #expect(try outcome(status, [:]) == .giveUp)
  }

  @Test func `five tries in vain are enough`() {
    var plan = ResumeBackoff(endpoints: 1, first: 0)
    var total = Duration.zero
    for _ in 0..<5 { total += plan.next(after: Self.brokenOff)?.delay ?? .seconds(1000) }
    #expect(plan.next(after: Self.brokenOff) == nil)
    #expect(total < .seconds(10))
    plan.noteProgress()
    let next = plan.next(after: Self.brokenOff)
    #expect(next == ResumeBackoff.Try(delay: .milliseconds(100), endpoint: 0))
  }

  private static let brokenOff = UpstreamError(.unreachable, "broken off")
  private static let stalled = UpstreamError(.timeout, "stalled")
  private static let unknown = UpstreamError(.status, "not there", status: 404)

  /// Whom a plan has asked after these failures; `nil` is bytes that came.
  private func asked(of endpoints: Int, first: Int = 0, after failures: [UpstreamError?]) -> [Int?] {
    var plan = ResumeBackoff(endpoints: endpoints, first: first)
    return failures.compactMap { failure in
      guard let failure else {
        plan.noteProgress()
        return nil
      }
      return .some(plan.next(after: failure)?.endpoint)
    }
  }

  @Test func `an endpoint is asked once more, then it is the turn of the next`() {
    let failures: [UpstreamError?] = Array(repeating: Self.brokenOff, count: 5)
    #expect(asked(of: 3, first: 1, after: failures) == [1, 2, 0, 1, 2])
    // The one that brought something is the one to ask now.
    #expect(asked(of: 3, first: 1, after: failures + [nil] + failures.prefix(2)) == [1, 2, 0, 1, 2, 2, 0])
  }

  @Test func `one that has stalled is not asked again before the others`() {
    #expect(asked(of: 2, after: [Self.stalled, nil, Self.stalled]) == [1, 0])
    #expect(asked(of: 1, after: [Self.stalled]) == [0])
  }

  /// Whether each of these errors was the last word.
  private func areFinal(of endpoints: Int, _ errors: [UpstreamError?]) -> [Bool] {
    var plan = ResumeBackoff(endpoints: endpoints, first: 0)
    return errors.compactMap { error in
      guard let error else {
        plan.noteProgress()
        return nil
      }
      return plan.isFinal(error)
    }
  }

  @Test func `a refusal is final once each endpoint has refused in a row`() {
    let changed = ResumedResponse.changedError
    #expect(areFinal(of: 1, [Self.brokenOff, Self.unknown]) == [false, true])
    #expect(areFinal(of: 2, [Self.unknown, Self.stalled, changed, Self.unknown]) == [false, false, false, true])
    #expect(areFinal(of: 2, [Self.unknown, nil, Self.unknown]) == [false, false])
  }

  @Test func `an upstream that sends a byte a connection is not asked for ever`() {
    var plan = ResumeBackoff(endpoints: 1, first: 0)
    var count = 0
    while plan.next(after: Self.brokenOff) != nil, count < 5000 {
      plan.noteProgress()
      count += 1
    }
    #expect(count == 1000)
  }

  @Test func `three tries after a stall fit into the minute that nginx waits for a byte`() throws {
    var plan = ResumeBackoff(endpoints: 1, first: 0)
    var elapsed = StallDetector.window
    for _ in 0..<3 {
      let next = plan.next(after: .stalled)
      elapsed += try #require(next).delay + ResumeBackoff.timeout
    }
    #expect(elapsed < .seconds(60))
  }
}
