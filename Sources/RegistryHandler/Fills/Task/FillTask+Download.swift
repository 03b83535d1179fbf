internal import HTTPTypes
internal import Logging
internal import NIOCore

extension FillTask {
  /// The request that continues a partial file, or asks for the whole blob where it is empty.
  private struct Opening {
    /// The length of the partial file in bytes.
    let offset: Int64
    /// The first byte that is requested.
    var start: Int64
    /// The size that upstream announced for the partial file's blob, in bytes.
    let size: Int64?
    var headers: HTTPFields = [:]
  }

  /// Requests the whole blob, and claims a partial file once there is a body to write: a redirect costs no file.
  func download(holding request: PendingRequest) async throws(FillFailure) -> Step {
    // Another process may have claimed or stored the blob before this one had the turn.
    if let phase = try storedPhase() { return .done(phase) }
    guard !context.store.hasPartial(fill.digest) else { return .restart }
    let response: UpstreamResponse
    switch try await send(Opening(offset: 0, start: 0, size: nil)) {
    case .redirect(let redirect): return .done(try redirectedPhase(redirect))
    case .response(let received): response = received
    }
    guard case .receive(let size, let skipped) = FirstResponse(response, offset: 0, start: 0) else {
      await response.body.discardBriefly()
      throw .upstream(UpstreamError(refusing: response, route))
    }
    // An unread body is dropped with its connection: clients wait for the next step.
    guard case .mine(let partial) = try claim() else { return .restart }
    defer { partial.release() }
    // A process that requests without a mark was faster, or has left a beginning.
    if let phase = try storedPhase() {
      partial.discard()
      return .done(phase)
    }
    guard partial.length == 0 else { return .restart }
    partial.file.markRequest(to: repository.upstream)
    let part = ResumableBody.Part(body: response.body, skipped: skipped)
    // From now on other processes follow the partial file.
    request.end()
    return .done(try await store(response, part, in: partial, size: size))
  }

  /// Downloads the missing bytes.
  func download(into partial: PartialFile) async throws(FillFailure) -> Step {
    // The last holder of the lock may have finished.
    if let phase = try storedPhase() {
      partial.discard()
      return .done(phase)
    }
    guard let opening = try makeOpening(partial) else { return .restart }
    switch try await send(opening) {
    case .redirect(let redirect): return .done(try redirectedPhase(redirect))
    case .response(let response):
      switch FirstResponse(response, offset: opening.offset, start: opening.start, size: opening.size) {
      case .receive(let size, let skipped):
        let part = ResumableBody.Part(body: response.body, skipped: skipped)
        return .done(try await store(response, part, in: partial, size: size))
      case .startAgain:
        await response.body.discardBriefly()
        return try startAgain(partial)
      case .refused:
        await response.body.discardBriefly()
        throw .upstream(UpstreamError(refusing: response, route))
      }
    }
  }

  /// Makes the request for the missing bytes; `nil` where the partial file was useless and is gone.
  private func makeOpening(_ partial: PartialFile) throws(FillFailure) -> Opening? {
    let offset = partial.length
    guard offset > 0 else { return Opening(offset: 0, start: 0, size: nil) }
    let record = context.store.partialRecord(of: fill.digest)
    // Another upstream's bytes must not spoil this one's, unless clients have them already.
    guard record?.origin?.upstream == fill.origin.repository.upstream || isStreaming else {
      partial.discard()
      return nil
    }
    var opening = Opening(offset: offset, start: offset, size: record?.size)
    if offset >= record?.size ?? .max {
      guard (try? partial.isVerified()) == true else {
        _ = try startAgain(partial)
        return nil
      }
      // The file is complete. Its last byte is requested again, as the proof that it may be read.
      opening.start = offset - 1
    }
    opening.headers[.range] = "bytes=\(opening.start)-"
    opening.headers[.ifRange] = record?.etag
    return opening
  }

  /// Discards a partial file that is not a prefix of the blob; throws where clients have its bytes.
  private func startAgain(_ partial: PartialFile) throws(FillFailure) -> Step {
    partial.discard()
    if isStreaming { throw .contentChanged }
    return .restart
  }

  var route: Route { .blob(repository.name, fill.digest) }

  /// Sends the first request. In a takeover, where clients already have a beginning, transient failures are retried.
  private func send(_ opening: Opening) async throws(FillFailure) -> UpstreamSession.Outcome {
    do throws(FillFailure) {
      return try await sendOnce(opening)
    } catch {
      guard isStreaming, error.isTransient else { throw error }
      var backoff = ResumeBackoff(endpoints: 1, first: 0)
      return try await backoff.retry(after: error) { _, _ throws(FillFailure) in
        if table.removeIfAbandoned(fill) { throw .abandoned }
        return try await sendOnce(opening)
      }
    }
  }

  /// Sends the first request; in a takeover, a transient status is a failure.
  private func sendOnce(_ opening: Opening) async throws(FillFailure) -> UpstreamSession.Outcome {
    let outcome = try await send(opening.headers)
    guard isStreaming, case .response(let response) = outcome, UpstreamError.isTransient(status: response.status) else {
      return outcome
    }
    await response.body.discardBriefly()
    throw .upstream(UpstreamError(refusing: response, route))
  }

  /// Sends a request within the time that clients wait for headers; then the fill makes way for another try.
  /// - Parameter endpoint: the index of the endpoint to request the rest from; without it, all in their order.
  private func send(
    _ headers: HTTPFields,
    toEndpoint endpoint: Int? = nil
  ) async throws(FillFailure) -> UpstreamSession.Outcome {
    let session = isStreaming ? session.followingStorage : session
    let timeout = endpoint == nil && !isStreaming ? UpstreamSession.responseTimeout : ResumeBackoff.timeout
    do throws(UpstreamError) {
      guard let endpoint else { return try await session.send(.get, route, headers: headers, by: .now + timeout) }
      return try await session.send(.get, route, headers: headers, toEndpoint: endpoint, by: .now + timeout)
    } catch {
      throw .upstream(error)
    }
  }

  // MARK: - The body

  /// A validator, as known to one endpoint.
  private struct Validator {
    let entityTag: String
    let endpoint: Int

    init?(_ response: UpstreamResponse) {
      guard let tag = response.strongEntityTag else { return nil }
      entityTag = tag
      endpoint = response.endpoint
    }
  }

  /// The longest download of unknown size: no client gets headers before its end.
  private static let timeoutWithoutSize: Duration = .seconds(600)

  private static let tooSlow = UpstreamError(
    .invalidResponse,
    "upstream is too slow: no response can be sent before the end of this blob"
  )

  /// Receives all missing bytes; requests the rest anew where a response breaks off, as its signature may have expired.
  func receive(
    _ response: UpstreamResponse,
    _ part: ResumableBody.Part,
    into partial: PartialFile,
    size: Int64?
  ) async throws {
    let deadline = ContinuousClock.now + (size == nil ? Self.timeoutWithoutSize : UpstreamSession.responseTimeout)
    let backoff = ResumeBackoff(endpoints: session.upstream.endpoints.count, first: response.endpoint)
    var body = ResumableBody(from: partial.length, to: size, backoff, now: context.instant)
    var growth = GrowthCheck(partial.length, size, context.evictor)
    var validator = Validator(response)
    let interrupted = { (error: UpstreamError) throws(FillFailure) in
      // A drip without readers may take hours, however small the blob is.
      if error.kind == .stalled, table.removeIfUnread(fill) { throw .abandoned }
    }
    try await body.receive(part, interrupted: interrupted) { retry throws(FillFailure) in
      let response = try await requestRest(retry, ifRange: validator)
      let part = try await response.rest(route, offset: retry.offset, size: size)
      validator = Validator(response) ?? validator
      return part
    } consume: { chunk in
      guard growth.permits(chunk.readableBytes, of: fill.digest, at: partial.length) else {
        partial.discard()
        throw FillFailure.store(.noRoom)
      }
      try partial.append(chunk)
      fill.advance(to: partial.length)
      guard isStreaming || .now < deadline else { throw Self.tooSlow }
      if table.removeIfAbandoned(fill) { throw FillFailure.abandoned }
      return partial.length <= size ?? .max ? .more : .enough
    }
  }

  private func requestRest(
    _ retry: ResumableBody.Retry,
    ifRange validator: Validator?
  ) async throws(FillFailure) -> UpstreamResponse {
    if table.removeIfAbandoned(fill) { throw .abandoned }
    log("download resumed", retry.failure, retry)
    var headers: HTTPFields = [.range: "bytes=\(retry.offset)-"]
    // Another endpoint has another validator for the same bytes, and would send them all.
    if let validator, validator.endpoint == retry.endpoint { headers[.ifRange] = validator.entityTag }
    guard case .response(let response) = try await send(headers, toEndpoint: retry.endpoint) else {
      throw .redirectedAway
    }
    return response
  }
}

/// The checks of the store's limits while a blob of unknown size grows; an announced size has been checked before.
private struct GrowthCheck {
  private let evictor: Evictor
  private let step: Int64?
  private var nextCheck: Int64

  init(_ length: Int64, _ size: Int64?, _ evictor: Evictor) {
    self.evictor = evictor
    step = size == nil ? evictor.policy.growthStep : nil
    nextCheck = step == nil ? .max : length
  }

  /// Returns whether the file may grow by some more bytes.
  mutating func permits(_ count: Int, of digest: Digest, at length: Int64) -> Bool {
    guard let step, length + Int64(count) >= nextCheck else { return true }
    guard evictor.permitsGrowth(of: digest, to: length + step, by: step) else { return false }
    // A chunk may be larger than the rest of the step.
    nextCheck = length + step / 2
    return true
  }
}
