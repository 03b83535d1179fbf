internal import HTTPTypes
internal import Logging
internal import NIOCore

extension BlobDownload {
  /// Receives the whole, going on where an answer breaks off with what upstream says to a fresh question.
  func receive(
    _ response: UpstreamResponse,
    into partial: PartialFile,
    size: Int64?,
    skipping skipped: Int64
  ) async throws {
    var plan = ResumptionPlan(endpoints: upstream.upstream.endpoints.count, first: response.endpoint)
    let validator = response.strongEntityTag
    var source = (body: response.body, skipped: skipped)
    while true {
      let start = partial.length
      do {
        try await append(source.body, skipping: source.skipped, to: partial, size: size)
        return
      } catch let error as UpstreamError where error.isPassing {
        if partial.length > start { plan.noteProgress() }
        source = try await rest(of: partial, size: size, ifRange: validator, after: error, &plan)
      }
    }
  }

  private func append(
    _ body: any UpstreamBody,
    skipping skipped: Int64,
    to partial: PartialFile,
    size: Int64?
  ) async throws {
    var skipped = skipped
    try await body.forEachChunk { chunk in
      var chunk = chunk
      let known = Int(min(skipped, Int64(chunk.readableBytes)))
      chunk.moveReaderIndex(forwardBy: known)
      skipped -= Int64(known)
      if chunk.readableBytes > 0 {
        try partial.append(chunk)
        fill.advance(to: partial.length)
        if services.fills.removeIfForsaken(fill) { throw UpstreamError.forsaken }
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
    ifRange validator: String?,
    after failure: UpstreamError,
    _ plan: inout ResumptionPlan
  ) async throws(UpstreamError) -> (body: any UpstreamBody, skipped: Int64) {
    var failure = failure
    while let next = plan.next(after: failure) {
      log("download resumed", failure, at: (partial.length, upstream.upstream.endpoints[next.endpoint]))
      try? await Task.sleep(for: next.delay)
      if services.fills.removeIfForsaken(fill) { throw .forsaken }
      do throws(UpstreamError) {
        return try await askForRest(from: partial.length, size: size, ifRange: validator, endpoint: next.endpoint)
      } catch {
        if plan.isFinal(error) {
          if error == Resumption.changedError { partial.discard() }
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
    ifRange validator: String?,
    endpoint: Int
  ) async throws(UpstreamError) -> (body: any UpstreamBody, skipped: Int64) {
    var headers: HTTPFields = [.range: "bytes=\(offset)-"]
    headers[.ifRange] = validator
    guard case .response(let response) = try await answer(headers, fromEndpoint: endpoint) else {
      throw Self.redirectedAway
    }
    try response.refuseContentEncoding()
    switch Resumption(response, route, offset: offset, size: size) {
    case .append: return (response.body, 0)
    case .skipBeginning: return (response.body, offset)
    case .tryAgain(let error), .giveUp(let error):
      await response.body.discard()
      throw error
    case .changed:
      await response.body.discard()
      throw Resumption.changedError
    }
  }
}
