internal import NIOCore
internal import Testing

@testable internal import RegistryHandler

/// Table of the bodies that break off, in "Resuming a download" of `docs/rules/blobs.md`, for fills and bypasses.
struct ResumableBodyTests {
  private static let bytes = (0..<50_000).map { UInt8(truncatingIfNeeded: $0 &* 31 >> 3) }
  private static let cut = UpstreamError(.unreachable, "cut")

  /// A scripted response.
  private enum Step: Sendable {
    /// Bytes of the blob, of which the first ones are skipped, then the end or a failure.
    case bytes(Range<Int>, skipping: Int64 = 0, UpstreamError? = nil)
    case failure(FillFailure)

    func part() throws(FillFailure) -> ResumableBody.Part {
      switch self {
      case .failure(let failure): throw failure
      case .bytes(let range, let skipped, let failure):
        let chunks = stride(from: range.lowerBound, to: range.upperBound, by: 5_000)
          .map { Array(ResumableBodyTests.bytes[$0..<min($0 + 5_000, range.upperBound)]) }
        return ResumableBody.Part(body: FakeBody(chunks: chunks, failure: failure), skipped: skipped)
      }
    }
  }

  /// The outcome of a body.
  private struct Outcome {
    var received: [UInt8] = []
    var retries: [ResumableBody.Retry] = []
    var error: (any Error)?
  }

  /// Receives the first response and, in their order, those to the retries.
  private func receive(
    _ steps: [Step],
    to end: Int64? = 50_000,
    endpoints: Int = 1,
    upTo limit: Int = .max
  ) async throws -> Outcome {
    var outcome = Outcome()
    let backoff = ResumeBackoff(endpoints: endpoints, first: 0)
    var body = ResumableBody(from: 0, to: end, backoff, now: { .now })
    do {
      try await body.receive(steps[0].part()) { retry throws(FillFailure) in
        outcome.retries.append(retry)
        let number = outcome.retries.count
        guard number < steps.count else { throw .abandoned }
        return try steps[number].part()
      } consume: { chunk in
        outcome.received += chunk.readableBytesView
        return outcome.received.count < limit ? .more : .enough
      }
    } catch {
      outcome.error = error
    }
    return outcome
  }

  @Test func `a whole body needs no retry`() async throws {
    let outcome = try await receive([.bytes(0..<50_000)])
    #expect(outcome.received == Self.bytes && outcome.retries.isEmpty && outcome.error == nil)
  }

  @Test func `a leading part that was not requested is skipped`() async throws {
    var body = ResumableBody(from: 20_000, to: 50_000, .never, now: { .now })
    var received: [UInt8] = []
    try await body.receive(Step.bytes(0..<50_000, skipping: 20_000).part()) { retry throws(FillFailure) in
      throw retry.failure
    } consume: { chunk in
      received += chunk.readableBytesView
      return .more
    }
    #expect(received == Array(Self.bytes[20_000...]))
    #expect(body.offset == 50_000)
  }

  @Test func `the rest is requested from the first missing byte`() async throws {
    let outcome = try await receive([
      .bytes(0..<20_000, Self.cut), .bytes(0..<30_000, skipping: 20_000, Self.cut), .bytes(30_000..<50_000),
    ])
    #expect(outcome.received == Self.bytes && outcome.error == nil)
    #expect(outcome.retries.map(\.offset) == [20_000, 30_000])
  }

  @Test func `a body that ends early counts as broken off`() async throws {
    let outcome = try await receive([.bytes(0..<20_000), .bytes(20_000..<50_000)])
    #expect(outcome.received == Self.bytes && outcome.error == nil)
    #expect(outcome.retries.map(\.offset) == [20_000])
  }

  @Test func `all bytes are enough however the response ends`() async throws {
    let outcome = try await receive([.bytes(0..<50_000, Self.cut)])
    #expect(outcome.received == Self.bytes && outcome.retries.isEmpty && outcome.error == nil)
  }

  @Test func `a body of unknown size ends where its response ends`() async throws {
    let outcome = try await receive([.bytes(0..<20_000)], to: nil)
    #expect(outcome.received.count == 20_000 && outcome.retries.isEmpty && outcome.error == nil)
  }

  @Test func `a transient failure of a retry is followed by another one`() async throws {
    let busy = FillFailure.upstream(UpstreamError(.status, "busy", status: 503))
    let outcome = try await receive([.bytes(0..<20_000, Self.cut), .failure(busy), .bytes(20_000..<50_000)])
    #expect(outcome.received == Self.bytes && outcome.error == nil)
    #expect(outcome.retries.map(\.failure) == [.upstream(Self.cut), busy])
  }

  @Test func `a refusal is final when each endpoint has refused`() async throws {
    let refusal = FillFailure.upstream(UpstreamError(.status, "not there", status: 404))
    let steps = [Step.bytes(0..<20_000, Self.cut), .failure(refusal), .failure(refusal)]
    #expect(try await receive(steps).error as? FillFailure == refusal)
    #expect(try await receive(steps).retries.count == 1)
    #expect(try await receive(steps, endpoints: 2).retries.map(\.endpoint) == [0, 1])
  }

  @Test(arguments: [FillFailure.abandoned, .fileReplaced, .store(.noRoom)])
  func `a failure that is not of upstream is final at once`(_ failure: FillFailure) async throws {
    let outcome = try await receive([.bytes(0..<20_000, Self.cut), .failure(failure)], endpoints: 3)
    #expect(outcome.error as? FillFailure == failure)
    #expect(outcome.retries.count == 1)
  }

  @Test func `an interrupted body is not resumed where the rest is not wanted`() async throws {
    var body = ResumableBody(from: 0, to: 50_000, ResumeBackoff(endpoints: 1, first: 0), now: { .now })
    var interruptions: [UpstreamError] = []
    let failure = await #expect(throws: FillFailure.self) {
      try await body.receive(Step.bytes(0..<20_000, Self.cut).part()) { error throws(FillFailure) in
        interruptions.append(error)
        throw .abandoned
      } reopen: { retry throws(FillFailure) in
        Issue.record("the rest is requested")
        throw retry.failure
      } consume: { _ in
        .more
      }
    }
    #expect(failure == .abandoned)
    #expect(interruptions == [Self.cut])
  }

  @Test func `a failure that is not transient ends the body`() async throws {
    let wrong = UpstreamError(.invalidResponse, "wrong")
    let outcome = try await receive([.bytes(0..<20_000, wrong), .bytes(20_000..<50_000)])
    #expect(outcome.error as? UpstreamError == wrong)
    #expect(outcome.retries.isEmpty)
  }

  @Test func `a receiver that has enough ends the body`() async throws {
    let outcome = try await receive([.bytes(0..<50_000)], to: nil, upTo: 10_000)
    #expect(outcome.received == Array(Self.bytes[..<10_000]) && outcome.error == nil)
  }

  @Test func `a drip is a stall unless the receiver was busy`() async throws {
    for (demand, isStalled) in [(ResumableBody.Demand.more, true), (.moreAfterPause, false)] {
      let clock = ManualInstants()
      var body = ResumableBody(from: 0, to: 50_000, .never, now: { clock.now })
      var error: (any Error)?
      do {
        try await body.receive(Step.bytes(0..<50_000).part()) { retry throws(FillFailure) in
          throw retry.failure
        } consume: { _ in
          clock.advance(by: StallDetector.window)
          return demand
        }
      } catch let failure {
        error = failure
      }
      #expect((error as? FillFailure == .upstream(.stalled)) == isStalled)
      #expect((error == nil) == !isStalled)
    }
  }
}
