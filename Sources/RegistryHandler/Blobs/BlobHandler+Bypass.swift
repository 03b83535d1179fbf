internal import HTTPTypes
internal import NIOCore

extension BlobHandler {
  /// Answers with what upstream sends, for this client alone: a part that a download will not reach soon, or a blob that
  /// the store cannot take.
  /// - Parameters:
  ///   - part: of a blob whose size is known, in bytes; without it, what the client asks for.
  ///   - interest: in the download that goes on meanwhile.
  func straight(
    _ digest: Digest,
    _ request: RegistryRequest,
    detail: String,
    part: Range<Int64>? = nil,
    keeping interest: FillLease? = nil
  ) async throws(UpstreamError) -> RegistryResponse {
    guard let lease = services.bypasses.lease() else { throw Self.tooManyBypasses }
    let route = Route.blob(repository.name, digest)
    var headers: HTTPFields = [:]
    if let part {
      headers[.range] = "bytes=\(part.lowerBound)-\(part.upperBound - 1)"
    } else if request.headers[.ifRange] == nil, ByteRange(request.headers[.range], size: .max) != .whole {
      // The client's validator cannot be compared before the size is known.
      headers[.range] = request.headers[.range]
    }
    let answer: UpstreamResponse
    switch try await ask(upstream.forOneClient, route, headers, until: deadline) {
    case .redirect(let redirect):
      services.remember(redirect, for: redirectKey(for: digest))
      return response(redirect)
    case .response(let response): answer = response
    }
    if answer.status == 416, headers[.range] != nil {
      await answer.body.discardBriefly()
      var response = RegistryResponse(status: 416, headers: [.contentLength: "0"])
      response.setCacheStatus(.bypass, detail: detail)
      return response
    }
    let (body, size) = (answer.body, try await size(of: answer, route))
    if let part, answer.status == 200, part.lowerBound > Self.longestSkip {
      services.rangeRefusals.insert(true, for: upstream.upstream.name, lifetime: Self.rangeRefusalLifetime)
      await body.discardBriefly()
      throw Self.rangesRefused
    }
    let start =
      answer.status == 206 ? answer.headers[.contentRange].flatMap { ContentRange($0) }?.part.lowerBound ?? 0 : 0
    var response: RegistryResponse
    if size <= FillProgress.withheldTail {
      let bytes = try await verified(digest, size: size, from: answer)
      response = streamed(digest, size: size, request) { BufferedBlobSource(bytes, range: $0) }
    } else {
      response = streamed(digest, size: size, request) { range in
        UpstreamBlobSource(
          UpstreamBlobSource.Source(body: body, skipped: max(0, range.lowerBound - start)),
          range: range,
          reopening: opener(of: digest, upTo: range.upperBound, size: size),
          verifying: range == 0..<size ? digest : nil,
          keeping: interest,
          under: lease,
          now: services.instant,
          on: services.executor
        )
      }
      if case .stream(let reader) = response.body, reader.range.lowerBound < start {
        throw UpstreamError(.invalidResponse, "upstream sent another part of \(digest) than it was asked for")
      }
    }
    response.setCacheStatus(.bypass, detail: detail)
    return response
  }

  /// The bytes of a small blob, all of which are checked before the head of the answer goes out, also for a part of them.
  private func verified(
    _ digest: Digest,
    size: Int64,
    from answer: UpstreamResponse
  ) async throws(UpstreamError) -> ByteBuffer {
    let open = opener(of: digest, upTo: size, size: size)
    var source = UpstreamBlobSource.Source(body: answer.body, skipped: 0)
    if answer.status == 206 {
      await answer.body.discardBriefly()
      source = try await open(0)
    }
    let reader = UpstreamBlobSource(
      source,
      range: 0..<size,
      reopening: open,
      verifying: digest,
      now: services.instant,
      on: services.executor
    )
    return try await withDeadline(deadline, orTimeout: "upstream did not send all of \(digest) in time") {
      () throws(UpstreamError) in try await reader.collect()
    }
  }

  // MARK: - Parts of a growing blob

  /// The longest beginning that is discarded where upstream ignores the range, in bytes: the download is ahead of that.
  private static let longestSkip: Int64 = 1 << 20

  /// How long an upstream that sent the whole for a part is not asked for far parts again, in seconds.
  private static let rangeRefusalLifetime: Int64 = 600

  private static let rangesRefused = UpstreamError(.invalidResponse, "upstream sends no parts of blobs")

  static let tooManyBypasses = UpstreamError(
    .store,
    "too many blobs are streamed without being stored: ask again, and see why the store does not keep them"
  )

  static let noSize = UpstreamError(
    .invalidResponse,
    "upstream told no size, without which a blob can only be sent from the store"
  )

  /// The answer to a part that the fill does not reach soon; `nil` when the fill has it.
  ///
  /// Nothing is promised before there is a byte to send: nginx ends an answer that pauses for a minute.
  func bypass(
    _ fill: Fill,
    for part: Range<Int64>,
    _ request: RegistryRequest
  ) async throws(UpstreamError) -> RegistryResponse? {
    // The beginning is what the fill downloads first.
    guard part.lowerBound > 0 else { return nil }
    if RangeSource(part, written: fill.progress.value.written) == .download,
      await fill.reaches(part.lowerBound, by: .now + services.patience.withPart)
    {
      return try withheld(fill)
    }
    if services.rangeRefusals[upstream.upstream.name] == nil {
      do throws(UpstreamError) {
        return try await straight(fill.digest, request, detail: "range", part: part, keeping: fill.makeLease())
      } catch {
        guard error == Self.rangesRefused || error == Self.tooManyBypasses else { throw error }
      }
    }
    if await fill.reaches(part.lowerBound, by: deadline) { return try withheld(fill) }
    if Task.isCancelled { throw .cancelled }
    throw UpstreamError(
      .timeout,
      "byte \(part.lowerBound) of \(fill.digest) has not been downloaded yet, and upstream sends no parts: ask again"
    )
  }

  /// The answer to a part that the fill has reached: none, as long as the fill has not failed. Nothing has been promised yet.
  private func withheld(_ fill: Fill) throws(UpstreamError) -> RegistryResponse? {
    guard case .failed(let error) = fill.progress.value.phase, error.kind != .store else { return nil }
    // Another upstream's failure is no answer of this one.
    guard !isOfAnother(fill) else {
      throw UpstreamError(.store, "the download of \(fill.digest) from another upstream failed: ask again")
    }
    throw error
  }

  /// The rest of a range for one client, when the store can take no more of a download.
  func rest(
    of digest: Digest,
    _ range: Range<Int64>,
    size: Int64,
    from offset: Int64,
    after file: OpenFile,
    hashedBy hashes: PrefixHash
  ) async throws(UpstreamError) -> UpstreamBlobSource {
    var hash: ContentHasher?
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
    return UpstreamBlobSource(
      try await open(offset),
      range: offset..<range.upperBound,
      reopening: open,
      verifying: hash == nil ? nil : digest,
      after: hash,
      under: services.bypasses.leaseForOpenAnswer(),
      now: services.instant,
      on: services.executor
    )
  }

  /// Asks for what follows an offset, for a client that has what is before it.
  ///
  /// The head of its answer is out, perhaps long since: what is left has a time of its own, and the blob may be stored now.
  private func opener(of digest: Digest, upTo end: Int64, size: Int64) -> UpstreamBlobSource.Opener {
    { offset throws(UpstreamError) in
      if services.store.hasLink(to: digest, in: repository), let file = services.store.open(digest),
        (try? file.size()) == size
      {
        return UpstreamBlobSource.Source(body: StoredBody(file: file, range: offset..<end), skipped: 0)
      }
      let route = Route.blob(repository.name, digest)
      let headers: HTTPFields = offset > 0 ? [.range: "bytes=\(offset)-\(end - 1)"] : [:]
      let deadline = ContinuousClock.now + ResumeBackoff.timeout
      guard
        case .response(let response) = try await ask(
          upstream.followingStorage.forOneClient,
          route,
          headers,
          until: deadline
        )
      else { throw FillTask.redirectedAway }
      let skipped = try await response.skipped(route, offset: offset, size: size)
      return UpstreamBlobSource.Source(body: response.body, skipped: skipped)
    }
  }

  func ask(
    _ upstream: UpstreamSession,
    _ route: Route,
    _ headers: HTTPFields,
    until deadline: ContinuousClock.Instant
  ) async throws(UpstreamError) -> UpstreamSession.Answer {
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
        await answer.body.discardBriefly()
        throw Self.noSize
      }
      return size
    case 206:
      guard let size = range?.size else {
        throw UpstreamError(.invalidResponse, "upstream sent a part without its place")
      }
      return size
    default:
      await answer.body.discardBriefly()
      throw UpstreamError(refusing: answer, route)
    }
  }
}
