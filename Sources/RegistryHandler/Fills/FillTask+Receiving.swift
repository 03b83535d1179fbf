internal import HTTPTypes
internal import Logging
internal import NIOCore

extension FillTask {
  /// What an endpoint knows the bytes by.
  private struct Validator {
    let entityTag: String
    let endpoint: Int

    init?(_ response: UpstreamResponse) {
      guard let tag = response.strongEntityTag else { return nil }
      entityTag = tag
      endpoint = response.endpoint
    }
  }

  /// Where bytes come from.
  private struct Source {
    let body: any UpstreamBody
    /// What it has before the bytes that are missing, in bytes.
    let skipped: Int64
    let validator: Validator?

    init(body: any UpstreamBody, skipped: Int64, _ validator: Validator?) {
      self.body = body
      self.skipped = skipped
      self.validator = validator
    }
  }

  /// How long a download may take whose size is not known, so that nobody is answered before its end.
  private static let patienceWithoutSize: Duration = .seconds(600)

  private static let tooSlow = UpstreamError(
    .invalidResponse,
    "upstream sends what nobody can be answered with too slowly"
  )

  /// Receives the whole, going on where an answer breaks off with what upstream says to a fresh question.
  func receive(
    _ response: UpstreamResponse,
    into partial: PartialFile,
    size: Int64?,
    skipping skipped: Int64
  ) async throws {
    let deadline = ContinuousClock.now + (size == nil ? Self.patienceWithoutSize : ProxyServices.answerTimeout)
    var plan = ResumeBackoff(endpoints: upstream.upstream.endpoints.count, first: response.endpoint)
    var source = Source(body: response.body, skipped: skipped, Validator(response))
    while true {
      let start = partial.length
      do {
        try await append(source.body, skipping: source.skipped, to: partial, size: size, until: deadline)
        return
      } catch let error as UpstreamError where error.isTransient {
        // All of it: how the answer ends does not matter, only the digest does.
        if let size, partial.length == size { return }
        // A drip without a reader may take hours, however small the blob is.
        if error == .stalled, services.fills.removeIfUnread(fill) { throw UpstreamError.abandoned }
        if partial.length - start >= error.leastProgress { plan.noteProgress() }
        source = try await rest(of: partial, size: size, ifRange: source.validator, after: error, &plan)
      }
    }
  }

  /// - Parameter deadline: of a blob of which nothing can be answered before its end.
  private func append(
    _ body: any UpstreamBody,
    skipping skipped: Int64,
    to partial: PartialFile,
    size: Int64?,
    until deadline: ContinuousClock.Instant
  ) async throws {
    var skipped = skipped
    var stall = StallDetector(now: services.instant())
    // The announced size has been looked at; without one, the limits are looked at on the way.
    let step = size == nil ? services.evictor.policy.growthStep : nil
    var nextScan = step == nil ? Int64.max : partial.length
    try await body.forEachChunk { chunk in
      var chunk = chunk
      if stall.isStalled(afterReceiving: chunk.readableBytes, now: services.instant()) { throw UpstreamError.stalled }
      let known = Int(min(skipped, Int64(chunk.readableBytes)))
      chunk.moveReaderIndex(forwardBy: known)
      skipped -= Int64(known)
      if chunk.readableBytes > 0 {
        if let step, partial.length + Int64(chunk.readableBytes) >= nextScan {
          guard services.evictor.permitsGrowth(of: fill.digest, to: partial.length + step, by: step) else {
            partial.discard()
            throw UpstreamError.noRoom
          }
          // A chunk may be larger than what is left of the step.
          nextScan = partial.length + step / 2
        }
        try partial.append(chunk)
        fill.advance(to: partial.length)
        guard fill.progress.value.canStream || .now < deadline else { throw Self.tooSlow }
        if services.fills.removeIfAbandoned(fill) { throw UpstreamError.abandoned }
      }
      return partial.length <= size ?? .max
    }
    guard partial.length >= size ?? 0 else {
      throw UpstreamError(.unreachable, "upstream sent \(partial.length) bytes, not the \(size ?? 0) it announced")
    }
  }

  /// What is still to come of a blob: asked for anew, as what was signed for the first question may be good no longer.
  private func rest(
    of partial: PartialFile,
    size: Int64?,
    ifRange validator: Validator?,
    after failure: UpstreamError,
    _ plan: inout ResumeBackoff
  ) async throws(UpstreamError) -> Source {
    var failure = failure
    while let next = plan.next(after: failure) {
      log("download resumed", failure, at: (partial.length, upstream.upstream.endpoints[next.endpoint]))
      try? await Task.sleep(for: next.delay)
      if services.fills.removeIfAbandoned(fill) { throw .abandoned }
      do throws(UpstreamError) {
        return try await askForRest(from: partial.length, size: size, ifRange: validator, endpoint: next.endpoint)
      } catch {
        if plan.isFinal(error) {
          if error == ResumedResponse.changedError { partial.discard() }
          throw error
        }
        failure = error
      }
    }
    throw failure
  }

  private func askForRest(
    from offset: Int64,
    size: Int64?,
    ifRange validator: Validator?,
    endpoint: Int
  ) async throws(UpstreamError) -> Source {
    var headers: HTTPFields = [.range: "bytes=\(offset)-"]
    // Another endpoint has another validator for the same bytes, and would send them all.
    if let validator, validator.endpoint == endpoint { headers[.ifRange] = validator.entityTag }
    guard case .response(let response) = try await answer(headers, fromEndpoint: endpoint) else {
      throw Self.redirectedAway
    }
    let skipped = try await response.skipped(route, offset: offset, size: size)
    return Source(body: response.body, skipped: skipped, Validator(response) ?? validator)
  }
}
