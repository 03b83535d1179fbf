internal import HTTPTypes
internal import Logging

/// Answers `GET` and `HEAD` of a blob: from the store, from a fill, or with upstream's redirect.
struct BlobHandler: Sendable {
  let upstream: UpstreamSession
  let repository: UpstreamRepository
  let services: ProxyServices
  let delivery: Delivery
  /// When an answer has to be there, however many questions upstream it takes.
  let deadline = ContinuousClock.now + ProxyServices.answerTimeout

  private var store: Store { services.store }

  func respond(to request: RegistryRequest, _ digest: Digest) async throws(UpstreamError) -> RegistryResponse {
    if let size = store.touch(digest) {
      if store.hasLink(to: digest, in: repository) {
        return try stored(digest, size, request, .hit, detail: "stored")
      }
      switch try await proof(of: digest, size: size, for: request) {
      case .given: return try stored(digest, size, request, .hit, detail: "proved")
      case .redirected(let redirect): return redirect
      case .otherSize(let told):
        throw UpstreamError(.invalidResponse, "upstream says that \(digest) has \(told) bytes, but it has \(size)")
      }
    }
    return request.method == .head ? try await head(digest) : try await get(digest, request)
  }

  // MARK: - From the store

  private func stored(
    _ digest: Digest,
    _ size: Int64,
    _ request: RegistryRequest,
    _ status: CacheStatus,
    detail: String
  ) throws(UpstreamError) -> RegistryResponse {
    // nginx comes back when it could not open the file it was told to send: telling it again would not help.
    if delivery == .accelerated, !request.isRetryAfterEviction {
      var response = RegistryResponse(status: 200, headers: headers(for: digest), body: .blob(digest))
      response.setCacheStatus(status, detail: detail)
      return response
    }
    guard let file = store.open(digest) else {
      throw UpstreamError(.store, "the stored copy of \(digest) cannot be read: ask again")
    }
    var response = streamed(digest, size: size, request) { FileBlobSource(file, range: $0) }
    response.setCacheStatus(status, detail: detail)
    return response
  }

  // MARK: - From upstream

  /// Upstream's word on whether the repository contains a blob that is here on behalf of another one.
  private enum Proof {
    case given
    /// It says nothing, since some registries redirect whatever they are asked for: the client is to follow it.
    case redirected(RegistryResponse)
    /// It is about something else: an error page, a login page.
    case otherSize(Int64)
  }

  /// - Parameter size: of what is here, in bytes.
  private func proof(
    of digest: Digest,
    size: Int64,
    for request: RegistryRequest
  ) async throws(UpstreamError) -> Proof {
    switch try await question(digest, by: request.method) {
    case .redirected(let redirect): return .redirected(response(redirect))
    case .found(let told?) where told != size: return .otherSize(told)
    case .found(nil):
      // An upstream with one page for everything tells no size, either: only the content is a proof then.
      if let redirect = try await redirectUnlessSent(digest, size: size) { return .redirected(response(redirect)) }
    case .found: break
    }
    keepLink(to: digest)
    return .given
  }

  private func head(_ digest: Digest) async throws(UpstreamError) -> RegistryResponse {
    switch try await question(digest, by: .head) {
    case .redirected(let redirect): return response(redirect)
    case .found(size: nil): throw UpstreamError(.invalidResponse, "upstream told no size for \(digest)")
    case .found(let size?):
      // No link: without the blob, nothing shows that this is its size.
      var headers = headers(for: digest)
      headers[.contentLength] = String(size)
      headers[.acceptRanges] = "bytes"
      var result = RegistryResponse(status: 200, headers: headers)
      result.setCacheStatus(.bypass, detail: "head")
      return result
    }
  }

  private func question(
    _ digest: Digest,
    by method: HTTPRequest.Method
  ) async throws(UpstreamError) -> BlobStat.Answer {
    let question = BlobStat(digest, in: repository, by: method, of: upstream, services)
    return try await withDeadline(deadline, orTimeout: "upstream gave no answer in time") {
      () throws(UpstreamError) in try await question.answer()
    }
  }

  private func get(_ digest: Digest, _ request: RegistryRequest) async throws(UpstreamError) -> RegistryResponse {
    let key = redirectKey(for: digest)
    if let redirect = services.redirects.redirect(for: key) { return response(redirect) }
    if let refusal = services.refusals.refusal(of: key.refusal, by: .get) { throw refusal }
    // A fill for another repository, or for clients that are redirected where this one is not, may end without the blob
    // and say nothing about this request; then it is this one's turn.
    var tries = 3
    while tries > 0, .now < deadline {
      let (fill, isNew, interest) = services.fills.join(digest, from: repository, mode: upstream.mode)
      defer { withExtendedLifetime(interest) {} }
      if isNew { FillTask(fill, from: upstream, services).start() }
      if !isNew, !isOfAnother(fill), upstream.isSilent, fill.progress.value.phase == .awaitingUpstream { throw .silent }
      var opened = await openedSoon(fill)
      if opened == nil, isOfAnother(fill), !Task.isCancelled {
        do throws(UpstreamError) {
          return try await straight(digest, request, detail: "not-kept")
        } catch {
          // Of what has no size nothing can be sent before its end, by whichever way.
          guard error == Self.noSize else { throw error }
          opened = await self.opened(fill, by: deadline)
        }
      }
      guard let progress = opened else {
        if Task.isCancelled { throw .cancelled }
        throw UpstreamError(.timeout, "upstream sent no usable part of \(digest) in time")
      }
      if fill.repository != repository || fill.mode != upstream.mode {
        guard progress.hasBlob else {
          services.fills.remove(fill)
          // One that was redirected is over at once, and a burst of others may begin such again and again.
          if fill.mode == upstream.mode { tries -= 1 }
          continue
        }
      }
      if progress.hasBlob, progress.origin != repository {
        switch try await proof(of: digest, size: size(of: digest, progress), for: request) {
        case .given: break
        case .redirected(let redirect): return redirect
        // Either upstream may be wrong: this one answers for itself.
        case .otherSize: return try await straight(digest, request, detail: "not-kept")
        }
      }
      return try await respond(from: fill, progress, request, detail: isNew ? "fill" : "joined")
    }
    throw UpstreamError(.unreachable, "no download of \(digest) could be started: ask again")
  }

  func redirectKey(for digest: Digest) -> RedirectCache.Key {
    RedirectCache.Key(digest, in: repository, by: .get, upstream.mode)
  }

  private func size(of digest: Digest, _ progress: FillProgress) -> Int64 {
    progress.size ?? store.size(of: digest) ?? progress.written
  }

  /// Tells a fill whose bytes are, or will be, another upstream's.
  func isOfAnother(_ fill: Fill) -> Bool {
    let progress = fill.progress.value
    return progress.awaitsAnother || (progress.origin ?? fill.repository).upstream != repository.upstream
  }

  /// The same as `opened`; where it is another upstream that has not answered, a client waits for a moment only.
  private func openedSoon(_ fill: Fill) async -> FillProgress? {
    let soon = ContinuousClock.now + services.patience.withAnotherUpstream
    if !isOfAnother(fill) {
      let progress = await withDeadline(deadline) {
        await fill.progress.first { $0.isFinished || $0.canStream || $0.awaitsAnother }
      }
      guard let progress, progress?.awaitsAnother == true else { return progress ?? nil }
    }
    return await opened(fill, by: soon)
  }

  private func opened(_ fill: Fill, by deadline: ContinuousClock.Instant) async -> FillProgress? {
    let progress = fill.progress.value
    if progress.isFinished || progress.canStream { return progress }
    return await withDeadline(min(deadline, self.deadline)) { await fill.opened() } ?? nil
  }

  private func respond(
    from fill: Fill,
    _ progress: FillProgress,
    _ request: RegistryRequest,
    detail: String
  ) async throws(UpstreamError) -> RegistryResponse {
    let digest = fill.digest
    switch progress.phase {
    case .stored:
      guard let size = store.size(of: fill.digest) else {
        throw UpstreamError(.store, "the stored copy of \(fill.digest) is gone: ask again")
      }
      return try stored(fill.digest, size, request, .miss, detail: detail)
    case .receiving, .awaitingUpstream, .notStored:
      guard let whole = fill.makeReader(0..<(progress.size ?? progress.written)) else {
        throw UpstreamError(.store, "the download of \(digest) cannot be read: ask again")
      }
      let size = whole.range.upperBound
      if case .part(let part) = Self.range(of: request, size: size),
        let response = try await bypass(fill, for: part, request)
      {
        return response
      }
      let isOfAnother = isOfAnother(fill)
      var response = streamed(digest, size: size, request) { range in
        let window = services.patience.withAnotherUpstream
        let patience = isOfAnother ? FillPatience(at: range.lowerBound, window: window) : nil
        return FallbackBlobSource(fill.makeReader(range) ?? whole, patience: patience) {
          offset,
          file throws(UpstreamError) in
          try await rest(of: digest, range, size: size, from: offset, after: file, hashedBy: fill.beginning)
        }
      }
      response.setCacheStatus(.miss, detail: detail)
      return response
    case .failed(let error) where error.kind == .store: return try await straight(digest, request, detail: "not-kept")
    case .failed(let error): throw error
    case .redirected(let redirect): return response(redirect)
    }
  }

  // MARK: - Parts of answers

  func streamed(
    _ digest: Digest,
    size: Int64,
    _ request: RegistryRequest,
    _ makeReader: (Range<Int64>) -> any BlobSource
  ) -> RegistryResponse {
    var headers = headers(for: digest)
    headers[.acceptRanges] = "bytes"
    headers[.eTag] = Self.entityTag(size: size)
    let range = request.method == .head ? ByteRange.whole : Self.range(of: request, size: size)
    switch range {
    case .whole:
      headers[.contentLength] = String(size)
      let body: RegistryResponse.Body = request.method == .head ? .empty : .stream(makeReader(0..<size))
      return RegistryResponse(status: 200, headers: headers, body: body)
    case .part(let part):
      headers[.contentLength] = String(part.count)
      headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
      return RegistryResponse(status: 206, headers: headers, body: .stream(makeReader(part)))
    case .unsatisfiable:
      headers[.contentLength] = "0"
      headers[.contentRange] = "bytes */\(size)"
      return RegistryResponse(status: 416, headers: headers)
    }
  }

  static func range(of request: RegistryRequest, size: Int64) -> ByteRange {
    if let validator = request.headers[.ifRange], validator != entityTag(size: size) { return .whole }
    return ByteRange(request.headers[.range], size: size)
  }

  /// The entity tag that nginx gives the same blob once it is a file: time of change and size.
  private static func entityTag(size: Int64) -> String {
    "\"\(String(Store.blobModificationTime, radix: 16))-\(String(size, radix: 16))\""
  }

  func response(_ redirect: ClientRedirect) -> RegistryResponse {
    var response = RegistryResponse(
      status: redirect.status,
      headers: [.location: redirect.location, .contentLength: "0", .cacheControl: "no-store"]
    )
    response.setCacheStatus(.bypass, detail: "redirect")
    return response
  }

  private func headers(for digest: Digest) -> HTTPFields {
    [
      .contentType: MediaType.octetStream.description,
      .dockerContentDigest: digest.description,
      .cacheControl: "max-age=31536000, immutable",
    ]
  }

  /// A link that cannot be kept costs another question next time, nothing more.
  func keepLink(to digest: Digest) {
    do {
      try store.link(digest, in: repository)
    } catch {
      services.logger.warning("link not kept", metadata: ["error": "\(error)"])
    }
  }
}
