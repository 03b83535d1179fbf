internal import HTTPTypes

extension BlobHandler {
  /// Answers with what upstream sends, for this client alone: a part that a download will not reach soon, or a blob that
  /// the store cannot take.
  /// - Parameter interest: in the download that goes on meanwhile.
  func straight(
    _ digest: Digest,
    _ request: RegistryRequest,
    detail: String,
    keeping interest: FillInterest? = nil
  ) async throws(UpstreamError) -> RegistryResponse {
    let route = Route.blob(repository, digest)
    var headers: HTTPFields = [:]
    // Whether a validator of the client is the right one can be told only once the size is known.
    if request.headers[.ifRange] == nil, ByteRange(request.headers[.range], size: .max) != .whole {
      headers[.range] = request.headers[.range]
    }
    let answer: UpstreamResponse
    switch try await ask(upstream, route, headers, until: deadline) {
    case .redirect(let redirect):
      services.remember(redirect, for: redirectKey(for: digest))
      return response(redirect)
    case .response(let response): answer = response
    }
    if answer.status == 416, headers[.range] != nil {
      await answer.body.discardBriefly()
      var response = RegistryResponse(status: 416, headers: [.contentLength: "0"])
      response.mark(.bypass, detail: detail)
      return response
    }
    let (body, size) = (answer.body, try await size(of: answer, route))
    let start =
      answer.status == 206 ? answer.headers[.contentRange].flatMap { ContentRange($0) }?.part.lowerBound ?? 0 : 0
    let executor = services.executor
    var response = streamed(digest, size: size, request) { range in
      UpstreamReader(
        UpstreamReader.Source(body: body, skipped: max(0, range.lowerBound - start)),
        range: range,
        reopening: opener(of: digest, upTo: range.upperBound, size: size),
        verifying: range == 0..<size ? digest : nil,
        keeping: interest,
        on: executor
      )
    }
    if case .stream(let reader) = response.body, reader.range.lowerBound < start {
      throw UpstreamError(.invalidAnswer, "upstream sent another part of \(digest) than it was asked for")
    }
    response.mark(.bypass, detail: detail)
    return response
  }

  /// The rest of a range for one client, when the store can take no more of a download.
  func rest(
    of digest: Digest,
    _ range: Range<Int64>,
    size: Int64,
    from offset: Int64,
    after file: OpenFile,
    hashedBy hashes: SharedHash
  ) async throws(UpstreamError) -> UpstreamReader {
    var hash: RunningHash?
    // Of a part that begins beyond what is there, the beginning is not known.
    if range.upperBound == size, let known = try? file.size(), offset <= known {
      do {
        // Before upstream is asked: what it sends has to be read at once, or it is taken to have stalled.
        hash = try hashes.hash(digest.algorithm, ofFirst: offset, in: file)
      } catch {
        throw UpstreamError(.store, error.description)
      }
    }
    let open = opener(of: digest, upTo: range.upperBound, size: size)
    return UpstreamReader(
      try await open(offset),
      range: offset..<range.upperBound,
      reopening: open,
      verifying: hash == nil ? nil : digest,
      after: hash,
      on: services.executor
    )
  }

  /// Asks for what follows an offset, for a client that has what is before it.
  ///
  /// The head of its answer is out, perhaps long since: what is left has a time of its own.
  private func opener(of digest: Digest, upTo end: Int64, size: Int64) -> UpstreamReader.Opener {
    { offset throws(UpstreamError) in
      let route = Route.blob(repository, digest)
      let headers: HTTPFields = offset > 0 ? [.range: "bytes=\(offset)-\(end - 1)"] : [:]
      let deadline = ContinuousClock.now + ProxyServices.answerTimeout
      guard case .response(let response) = try await ask(upstream.followingStorage, route, headers, until: deadline)
      else { throw BlobDownload.redirectedAway }
      let skipped = try await response.skipped(route, offset: offset, size: size)
      return UpstreamReader.Source(body: response.body, skipped: skipped)
    }
  }

  private func ask(
    _ upstream: AuthenticatedUpstream,
    _ route: Route,
    _ headers: HTTPFields,
    until deadline: ContinuousClock.Instant
  ) async throws(UpstreamError) -> AuthenticatedUpstream.Answer {
    try await withDeadline(deadline, orTimeout: "upstream gave no answer in time") {
      () throws(UpstreamError) in try await upstream.send(.get, route, headers: headers)
    }
  }

  private func size(of answer: UpstreamResponse, _ route: Route) async throws(UpstreamError) -> Int64 {
    try answer.refuseContentEncoding()
    let range = answer.headers[.contentRange].flatMap { ContentRange($0) }
    switch answer.status {
    case 200:
      guard let size = answer.contentLength else {
        throw UpstreamError(
          .invalidAnswer,
          "upstream told no size, without which a blob can only be sent from the store"
        )
      }
      return size
    case 206:
      guard let size = range?.size else {
        throw UpstreamError(.invalidAnswer, "upstream sent a part without its place")
      }
      return size
    default:
      await answer.body.discardBriefly()
      throw UpstreamError(refusing: answer, route)
    }
  }
}
