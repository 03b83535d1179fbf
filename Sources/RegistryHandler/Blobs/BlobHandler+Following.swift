extension BlobHandler {
  /// Responds with the bytes of a growing file, or uncached if the file does not reach the requested part soon.
  func follow(
    _ fill: Fill,
    _ progress: FillProgress,
    _ request: RegistryRequest,
    detail: String
  ) async throws(UpstreamError) -> RegistryResponse {
    guard let whole = fill.makeReader(0..<(progress.size ?? progress.written)) else {
      throw UpstreamError(.unavailable, "the download of \(fill.digest) cannot be read: retry")
    }
    let size = whole.range.upperBound
    let blob = BlobResponse(digest: fill.digest, request: request)
    if case .part(let part) = blob.range(size: size), let response = try await bypassIfFar(fill, part, request) {
      return response
    }
    let isOfAnother = fill.isOfAnotherUpstream(than: repository.upstream)
    let uncached = uncached(fill.digest)
    var response = blob.streamed(size: size) { range in
      let window = context.patience.withAnotherUpstream
      let patience = isOfAnother ? FillPatience(at: range.lowerBound, window: window) : nil
      return FallbackBlobSource(fill.makeReader(range) ?? whole, patience: patience) {
        offset,
        file throws(UpstreamError) in
        try await uncached.rest(of: range, size: size, from: offset, after: file, hashedBy: fill.prefixHash)
      }
    }
    response.setCacheStatus(.miss, detail: detail)
    return response
  }

  /// Responds to a part that the fill does not reach soon; `nil` when the fill has it.
  ///
  /// Headers are sent only once a byte can follow: nginx ends a response that pauses for a minute.
  private func bypassIfFar(
    _ fill: Fill,
    _ part: Range<Int64>,
    _ request: RegistryRequest
  ) async throws(UpstreamError) -> RegistryResponse? {
    // A fill begins at the first byte.
    guard part.lowerBound > 0 else { return nil }
    if RangeSource(part, written: fill.progress.value.written) == .fill,
      await fill.reaches(part.lowerBound, by: .now + context.patience.withPart)
    {
      try throwIfFailed(fill)
      return nil
    }
    if context.rangeRefusals[repository.upstream] == nil {
      do throws(BypassFailure) {
        return try await uncached(fill.digest)
          .respond(to: request, detail: "range", part: part, keeping: fill.makeLease(), by: deadline)
      } catch {
        guard error == .rangesRefused || error == .tooManyStreams else { throw error.upstreamError }
      }
    }
    if await fill.reaches(part.lowerBound, by: deadline) {
      try throwIfFailed(fill)
      return nil
    }
    if Task.isCancelled { throw .cancelled }
    throw UpstreamError(
      .timeout,
      "byte \(part.lowerBound) of \(fill.digest) has not been downloaded yet, and upstream sends no parts: retry"
    )
  }

  /// Throws the failure of a fill that has reached a part, as long as no headers have been sent.
  private func throwIfFailed(_ fill: Fill) throws(UpstreamError) {
    guard case .failed(let failure) = fill.progress.value.phase, !failure.permitsBypass else { return }
    // The failure of another upstream is not a response of this one.
    guard !fill.isOfAnotherUpstream(than: repository.upstream) else {
      throw UpstreamError(.unavailable, "the download of \(fill.digest) from another upstream failed: retry")
    }
    throw failure.upstreamError
  }
}
