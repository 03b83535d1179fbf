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
    var delays = ResumptionDelays()
    let validator = response.strongEntityTag
    var source = (body: response.body, skipped: skipped)
    while true {
      let start = partial.length
      do {
        try await append(source.body, skipping: source.skipped, to: partial, size: size)
        return
      } catch let error as UpstreamError where error.isPassing {
        if partial.length > start { delays.noteProgress() }
        source = try await rest(of: partial, size: size, ifRange: validator, after: error, &delays)
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
    _ delays: inout ResumptionDelays
  ) async throws(UpstreamError) -> (body: any UpstreamBody, skipped: Int64) {
    var failure = failure
    let offset = partial.length
    while let delay = delays.next() {
      log("download resumed", failure, offset: offset)
      try? await Task.sleep(for: delay)
      if services.fills.removeIfForsaken(fill) { throw .forsaken }
      do throws(UpstreamError) {
        var headers: HTTPFields = [.range: "bytes=\(offset)-"]
        headers[.ifRange] = validator
        guard case .response(let response) = try await answer(headers) else {
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
          partial.discard()
          throw Resumption.changedError
        }
      } catch  where error.isPassing {
        failure = error
      }
    }
    throw failure
  }
}
