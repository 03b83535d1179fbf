internal import HTTPTypes
internal import Logging

/// Responds to `GET` and `HEAD` of a blob: from the store, from a fill, or with upstream's redirect.
package struct BlobHandler: Sendable {
  let session: UpstreamSession
  let repository: UpstreamRepository
  let context: BlobContext
  let delivery: Delivery
  /// The deadline of the response headers, however many requests to upstream they take.
  let deadline = ContinuousClock.now + UpstreamSession.responseTimeout

  package init(
    _ session: UpstreamSession,
    _ repository: UpstreamRepository,
    _ context: BlobContext,
    _ delivery: Delivery
  ) {
    self.session = session
    self.repository = repository
    self.context = context
    self.delivery = delivery
  }

  package func respond(
    to request: RegistryRequest,
    _ digest: Digest
  ) async throws(UpstreamError) -> RegistryResponse {
    let key = RefusalCache.Key(digest, in: repository, session.mode)
    do throws(UpstreamError) {
      let response = try await find(digest, request)
      // A hit is not a response of upstream.
      if response.cacheStatus != .hit { context.refusals.record(nil, for: key, by: request.method, .blob) }
      return response
    } catch {
      context.refusals.record(error, for: key, by: request.method, .blob)
      throw error
    }
  }

  private func find(_ digest: Digest, _ request: RegistryRequest) async throws(UpstreamError) -> RegistryResponse {
    guard let size = context.store.touch(digest) else {
      return request.method == .head ? try await head(digest, request) : try await get(digest, request)
    }
    if context.store.hasLink(to: digest, in: repository) {
      var response = try stored(digest, size: size, request, .hit, detail: "stored")
      response.isRepeatable = !response.holdsFile
      return response
    }
    switch try await proof(of: digest, size: size, by: request.method) {
    case .given: return try stored(digest, size: size, request, .hit, detail: "proved")
    case .redirected(let redirect): return BlobResponse.redirected(redirect)
    case .otherSize(let announced):
      throw UpstreamError(.invalidResponse, "upstream says that \(digest) has \(announced) bytes, but it has \(size)")
    }
  }

  // MARK: - From the store

  /// The size in bytes up to which the worker sends a stored blob itself: nginx keeps the connection of such a response,
  /// while it closes that of an internal redirect.
  private static let maximumInlineSize: Int64 = 32 << 10

  private func stored(
    _ digest: Digest,
    size: Int64,
    _ request: RegistryRequest,
    _ status: CacheStatus,
    detail: String
  ) throws(UpstreamError) -> RegistryResponse {
    let blob = BlobResponse(digest: digest, request: request)
    var response: RegistryResponse
    if size <= Self.maximumInlineSize, blob.isForWholeBlob,
      let bytes = context.store.read(digest, size: size)
    {
      response = blob.whole(bytes)
      // nginx repeats the request when it could not open the file: naming the file again would not help.
    } else if delivery == .accelerated, !request.isRetryAfterEviction {
      response = blob.accelerated()
    } else {
      guard let file = context.store.open(digest) else {
        throw UpstreamError(.unavailable, "the stored copy of \(digest) cannot be read: retry")
      }
      response = blob.streamed(size: size) { FileBlobSource(file, range: $0) }
    }
    response.setCacheStatus(status, detail: detail)
    return response
  }

  // MARK: - From upstream

  /// Upstream's statement on whether the repository contains a blob that is stored for another one.
  private enum Proof {
    case given
    /// No statement, since some registries redirect every request: the client follows the redirect.
    case redirected(ClientRedirect)
    /// Other content, such as an error page or a login page.
    /// - announced: its size in bytes.
    case otherSize(Int64)
  }

  /// - Parameter size: of the stored blob, in bytes.
  private func proof(
    of digest: Digest,
    size: Int64,
    by method: HTTPRequest.Method
  ) async throws(UpstreamError) -> Proof {
    switch try await stat(digest, by: method) {
    case .redirected(let redirect): return .redirected(redirect)
    case .found(let announced?) where announced != size: return .otherSize(announced)
    case .found(nil):
      // An upstream with one page for every request announces no size either: only the content is a proof then.
      let proof = ContentProof(digest: digest, size: size, repository: repository, session: session, context: context)
      if let redirect = try await proof.redirectUnlessSent(by: deadline) { return .redirected(redirect) }
    case .found: break
    }
    await context.link(digest, in: repository)
    return .given
  }

  private func head(_ digest: Digest, _ request: RegistryRequest) async throws(UpstreamError) -> RegistryResponse {
    switch try await stat(digest, by: .head) {
    case .redirected(let redirect): return BlobResponse.redirected(redirect)
    case .found(size: nil): throw UpstreamError(.invalidResponse, "upstream announced no size for \(digest)")
    case .found(let size?):
      // No link: without the blob, nothing shows that this is its size.
      var response = BlobResponse(digest: digest, request: request).head(size: size)
      response.setCacheStatus(.bypass, detail: "head")
      return response
    }
  }

  private func stat(_ digest: Digest, by method: HTTPRequest.Method) async throws(UpstreamError) -> BlobStat.Finding {
    let stat = BlobStat(digest, in: repository, by: method, session, context)
    return try await withDeadline(deadline, orTimeout: UpstreamSession.timeoutReason) {
      () throws(UpstreamError) in try await stat.find()
    }
  }

  // MARK: - From a fill

  private func get(_ digest: Digest, _ request: RegistryRequest) async throws(UpstreamError) -> RegistryResponse {
    let key = RedirectCache.Key(digest, in: repository, by: .get, session.mode)
    if let redirect = context.redirects.redirect(for: key) { return BlobResponse.redirected(redirect) }
    if let refusal = context.refusals.refusal(of: key.refusal, by: .get) { throw refusal }
    // A fill started for another repository or redirect mode may fail for reasons that do not apply here; then this
    // request starts its own.
    var attempts = 3
    while attempts > 0, .now < deadline {
      let joined = context.fills.join(digest, in: repository, session)
      let response = try await joined.lease.hold { () throws(UpstreamError) in try await respond(to: request, joined) }
      if let response { return response }
      context.fills.remove(joined.fill)
      // A redirected fill ends at once, and a burst of other clients may start one again and again.
      if joined.fill.origin.mode == session.mode { attempts -= 1 }
    }
    throw UpstreamError(.unreachable, "no download of \(digest) could be started: retry")
  }

  /// Responds from a fill or bypasses it; `nil` when the request has to start its own.
  private func respond(
    to request: RegistryRequest,
    _ joined: FillTable.Membership
  ) async throws(UpstreamError) -> RegistryResponse? {
    let fill = joined.fill
    let detail = joined.isNew ? "fill" : "joined"
    if !joined.isNew, session.isSilent, fill.progress.value.phase == .awaitingUpstream,
      !fill.isOfAnotherUpstream(than: repository.upstream)
    {
      throw .silent
    }
    let origin = FillOrigin(repository: repository, mode: session.mode)
    var (wait, opened) = (JoinDecision.Wait.short, await openedSoon(fill))
    while true {
      if opened == nil, Task.isCancelled { throw .cancelled }
      let progress = opened ?? fill.progress.value
      switch JoinDecision(fill.origin, for: origin, progress, after: wait) {
      case .respond: return try await respond(from: fill, progress, request, detail: detail)
      case .proveFirst:
        let size = progress.size ?? context.store.size(of: fill.digest) ?? progress.written
        switch try await proof(of: fill.digest, size: size, by: request.method) {
        case .given: return try await respond(from: fill, progress, request, detail: detail)
        case .redirected(let redirect): return BlobResponse.redirected(redirect)
        // Either upstream may be wrong: this client gets the bytes of its own.
        case .otherSize: return try await bypass(fill.digest, request)
        }
      case .bypass:
        do throws(BypassFailure) {
          return try await uncached(fill.digest).respond(to: request, detail: "not-kept", by: deadline)
        } catch {
          guard error == .noSize else { throw error.upstreamError }
          wait = .shortWithoutSize
        }
      case .keepWaiting: (wait, opened) = (.full, await self.opened(fill, by: deadline))
      case .startOwn: return nil
      case .timedOut: throw UpstreamError(.timeout, "upstream sent no usable part of \(fill.digest) in time")
      }
    }
  }

  /// Waits until a fill can be used; only briefly if another upstream has not responded.
  private func openedSoon(_ fill: Fill) async -> FillProgress? {
    let soon = ContinuousClock.now + context.patience.withAnotherUpstream
    if !fill.isOfAnotherUpstream(than: repository.upstream) {
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
    switch progress.phase {
    case .stored:
      guard let size = context.store.size(of: fill.digest) else {
        throw UpstreamError(.unavailable, "the stored copy of \(fill.digest) is gone: retry")
      }
      return try stored(fill.digest, size: size, request, .miss, detail: detail)
    case .receiving, .awaitingUpstream, .notStored: return try await follow(fill, progress, request, detail: detail)
    case .failed(let failure) where failure.permitsBypass: return try await bypass(fill.digest, request)
    case .failed(let failure): throw failure.upstreamError
    case .redirected(let redirect): return BlobResponse.redirected(redirect)
    }
  }

  // MARK: - Uncached

  func uncached(_ digest: Digest) -> UncachedBlob {
    UncachedBlob(digest: digest, repository: repository, session: session, context: context)
  }

  private func bypass(_ digest: Digest, _ request: RegistryRequest) async throws(UpstreamError) -> RegistryResponse {
    do throws(BypassFailure) {
      return try await uncached(digest).respond(to: request, detail: "not-kept", by: deadline)
    } catch {
      throw error.upstreamError
    }
  }
}
