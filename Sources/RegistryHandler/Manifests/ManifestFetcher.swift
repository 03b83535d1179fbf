internal import HTTPTypes
internal import Logging

/// The fetch of a manifest that the store cannot serve: requests, verifies and stores it, or falls back to a stale one.
struct ManifestFetcher: Sendable {
  let session: UpstreamSession
  let repository: UpstreamRepository
  let context: ManifestContext
  let accept: AcceptHeader

  /// Blocks on the store.
  func result(
    for reference: Reference,
    _ known: ManifestLookup.Finding,
    by method: HTTPRequest.Method
  ) async -> Result<ManifestResult, UpstreamError> {
    do throws(UpstreamError) {
      let deadline = ContinuousClock.now + UpstreamSession.responseTimeout
      let result = try await withDeadline(deadline, orTimeout: UpstreamSession.timeoutReason) {
        () throws(UpstreamError) in try await request(reference, known, by: method)
      }
      return .success(result)
    } catch {
      guard let standIn = known.standIn, error.allowsStaleResponse else { return .failure(error) }
      log("stale manifest served", error.reason)
      return .success(ManifestResult(standIn, .stale, detail: "stale-if-error"))
    }
  }

  private func request(
    _ reference: Reference,
    _ known: ManifestLookup.Finding,
    by method: HTTPRequest.Method
  ) async throws(UpstreamError) -> ManifestResult {
    // A HEAD does not count against the rate limit: it comes first where the bytes may be stored, or are not wanted.
    guard method == .head || known.mayBeHere else { return try await fetch(reference) }
    let (head, etag): (ManifestResult.Head, String?)
    switch try await self.head(reference) {
    case .found(let found, let validator): (head, etag) = (found, validator)
    case .insufficient: return try await fetch(reference)
    case .refused(let error):
      let key = HeadFallback.Key(repository: repository, kind: .manifest)
      return try await context.refusals.headFallback.retry(key, after: error, by: method) {
        () throws(UpstreamError) in try await fetch(reference)
      }
    }
    if let manifest = try? context.store.manifest(head.digest, in: repository) {
      let result = ManifestResult(manifest, .hit, detail: "revalidated")
      record(reference, result.head, etag: etag)
      return result
    }
    if method == .head { return ManifestResult(head, .bypass, detail: "head") }
    let result = try await fetch(.digest(head.digest))
    // Without the stored manifest, the last known one is the better stand-in.
    if result.status != .bypass { record(reference, result.head, etag: etag) }
    return result
  }

  /// The outcome of a HEAD.
  private enum HeadOutcome {
    case found(ManifestResult.Head, etag: String?)
    /// Upstream does not support HEAD, or tells no more than that the manifest exists.
    case insufficient
    /// A 401: some registries refuse HEAD with a token that is valid for GET.
    case refused(UpstreamError)
  }

  private func head(_ reference: Reference) async throws(UpstreamError) -> HeadOutcome {
    let response: UpstreamResponse
    do throws(UpstreamError) {
      response = try await send(.head, reference)
    } catch  where error.kind == .status {
      switch error.status {
      case 405?, 501?: return .insufficient
      case 401?: return .refused(error)
      default: throw error
      }
    }
    await response.body.discard()
    guard let digest = response.headers[.dockerContentDigest].flatMap({ Digest($0) }),
      let mediaType = response.headers[.contentType].flatMap({ MediaType($0) }), mediaType.isManifest,
      let size = response.contentLength, size > 0
    else { return .insufficient }
    // A manifest that was requested by digest has it, whatever upstream names: its bytes tell.
    if case .digest(let requested) = reference, requested != digest { return .insufficient }
    let head = ManifestResult.Head(digest: digest, mediaType: mediaType, size: size)
    return .found(head, etag: response.headers[.eTag])
  }

  private func fetch(_ reference: Reference) async throws(UpstreamError) -> ManifestResult {
    let response = try await send(.get, reference)
    try response.requireIdentityEncoding()
    let limit = Store.maximumManifestSize
    let upstream = repository.upstream
    guard let document = try await response.document(upTo: limit, countedBy: context.documents, for: upstream) else {
      throw UpstreamError(.invalidResponse, "upstream sent more than \(limit) bytes as a manifest")
    }
    let manifest = try Self.verified(document.bytes, response.headers, reference)
    do throws(StoreFailure) {
      try store(manifest)
    } catch {
      log("manifest not stored", "\(error)")
      return ManifestResult(ServedManifest(manifest), .bypass, detail: "not-kept", holding: document.reservation)
    }
    // A large manifest is served from its file.
    let stored = (try? context.store.manifest(manifest.digest, in: repository)) ?? ServedManifest(manifest)
    let result = ManifestResult(stored, .miss, detail: "fetched", holding: document.reservation)
    record(reference, result.head, etag: response.headers[.eTag])
    return result
  }

  private func store(_ manifest: StoredManifest) throws(StoreFailure) {
    if context.store.size(of: manifest.digest) == nil,
      !context.evictor.makeRoom(forManifestOf: manifest.bytes.count)
    {
      throw .noRoom
    }
    do {
      try context.store.keep(manifest, in: repository)
    } catch {
      throw .file(error)
    }
  }

  private func send(
    _ method: HTTPRequest.Method,
    _ reference: Reference
  ) async throws(UpstreamError) -> UpstreamResponse {
    let route = Route.manifest(repository.name, reference)
    switch try await session.send(method, route, headers: [.accept: accept.upstreamValue]) {
    case .response(let response):
      guard response.status == 200 else {
        await response.body.discard()
        throw UpstreamError(refusing: response, route)
      }
      return response
    case .redirect(let redirect):
      throw UpstreamError(.invalidResponse, "upstream redirects a manifest elsewhere", status: redirect.status)
    }
  }

  /// Records the state of a tag.
  private func record(_ reference: Reference, _ head: ManifestResult.Head, etag: String?) {
    guard case .tag(let tag) = reference else { return }
    let record = TagRecord(
      digest: head.digest,
      mediaType: head.mediaType,
      size: head.size,
      checkedAt: context.now(),
      etag: etag
    )
    do {
      try context.store.keep(record, of: tag, variant(recording: head.mediaType, of: tag), in: repository)
    } catch {
      log("tag not stored", error.description)
    }
  }

  private func variant(recording type: MediaType, of tag: TagName) -> TagVariant {
    let current = (try? context.store.tag(tag, accept.variant, in: repository)) ?? nil
    let isServed = current?.freshness(for: session.upstream, now: context.now()) != .expired
    return accept.variant(recording: type, besides: isServed ? current.flatMap { MediaType($0.mediaType) } : nil)
  }

  private func log(_ message: Logger.Message, _ reason: String) {
    context.logger.warning(
      message,
      metadata: [
        "upstream.name": "\(repository.upstream)", "registry.repository": "\(repository.name)", "error": "\(reason)",
      ]
    )
  }
}

extension UpstreamError {
  /// Indicates whether the failure says nothing about the content, so that a stale manifest may be served.
  var allowsStaleResponse: Bool {
    switch kind {
    case .unreachable, .timeout, .stalled, .invalidResponse, .unavailable, .notSent: true
    case .status, .authentication: status.map { $0 >= 500 || $0 == 429 } ?? true
    case .cancelled: false
    }
  }
}
