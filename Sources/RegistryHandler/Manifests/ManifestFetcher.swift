internal import HTTPTypes
internal import Logging

/// Gets a manifest that the store cannot answer with: asks upstream, verifies, keeps; falls back on what is known.
struct ManifestFetcher: Sendable {
  let upstream: UpstreamSession
  let repository: UpstreamRepository
  let services: ProxyServices
  let accept: AcceptHeader

  /// Blocks on the store.
  func answer(
    for reference: Reference,
    _ known: ManifestLookup.Known,
    headOnly: Bool
  ) async -> Result<ManifestResult, UpstreamError> {
    do throws(UpstreamError) {
      let deadline = ContinuousClock.now + ProxyServices.answerTimeout
      let answer = try await withDeadline(deadline, orTimeout: "upstream gave no answer in time") {
        () throws(UpstreamError) in try await ask(for: reference, known, headOnly: headOnly)
      }
      return .success(answer)
    } catch {
      guard let standIn = known.standIn, error.allowsStaleAnswer else { return .failure(error) }
      log("stale manifest served", error)
      return .success(ManifestResult(standIn, .stale, detail: "stale-if-error"))
    }
  }

  private func ask(
    for reference: Reference,
    _ known: ManifestLookup.Known,
    headOnly: Bool
  ) async throws(UpstreamError) -> ManifestResult {
    // A HEAD costs no pull of the rate limit: it is asked first where the bytes may be here, or are not wanted.
    guard headOnly || known.mayBeHere else { return try await fetch(reference) }
    let (head, etag): (ManifestResult.Head, String?)
    switch try await self.head(reference) {
    case .told(let told, let validator): (head, etag) = (told, validator)
    case .tooLittle: return try await fetch(reference)
    case .refused(let error):
      let key = HeadFallback.Key(repository: repository, kind: .manifest)
      return try await services.headFallback.retry(key, after: error, by: headOnly ? .head : .get) {
        () throws(UpstreamError) in try await fetch(reference)
      }
    }
    if let manifest = try? services.store.manifest(head.digest, in: repository) {
      record(reference, ManifestResult(manifest, .hit, detail: "revalidated").head, etag: etag)
      return ManifestResult(manifest, .hit, detail: "revalidated")
    }
    if headOnly { return ManifestResult(head, .bypass, detail: "head") }
    let answer = try await fetch(.digest(head.digest))
    // Without the manifest, what was last known is still the better answer when upstream gives none.
    if answer.status != .bypass { record(reference, answer.head, etag: etag) }
    return answer
  }

  /// What HEAD comes to.
  private enum HeadAnswer {
    case told(ManifestResult.Head, etag: String?)
    /// Upstream knows no HEAD, or tells no more than that the manifest is there.
    case tooLittle
    /// A 401: some registries refuse HEAD with a token that is good for GET.
    case refused(UpstreamError)
  }

  private func head(_ reference: Reference) async throws(UpstreamError) -> HeadAnswer {
    let response: UpstreamResponse
    do throws(UpstreamError) {
      response = try await send(.head, reference)
    } catch  where error.kind == .status {
      switch error.status {
      case 405?, 501?: return .tooLittle
      case 401?: return .refused(error)
      default: throw error
      }
    }
    await response.body.discard()
    guard let digest = response.headers[.dockerContentDigest].flatMap({ Digest($0) }),
      let mediaType = response.headers[.contentType].flatMap({ MediaType($0) }), mediaType.isManifest,
      let size = response.contentLength, size > 0
    else { return .tooLittle }
    // What is asked for by digest has it, whatever is named: its bytes tell.
    if case .digest(let asked) = reference, asked != digest { return .tooLittle }
    let head = ManifestResult.Head(digest: digest, mediaType: mediaType, size: size)
    return .told(head, etag: response.headers[.eTag])
  }

  private func fetch(_ reference: Reference) async throws(UpstreamError) -> ManifestResult {
    let response = try await send(.get, reference)
    try response.refuseContentEncoding()
    guard let document = try await response.document(upTo: Store.maximumManifestSize, countedBy: services.documents)
    else {
      throw UpstreamError(.invalidResponse, "upstream sent more than \(Store.maximumManifestSize) bytes as a manifest")
    }
    let manifest = try Self.verified(document.bytes, response.headers, reference)
    do throws(UpstreamError) {
      try keep(manifest)
    } catch {
      log("manifest not kept", error)
      return ManifestResult(ServedManifest(manifest), .bypass, detail: "not-kept", holding: document.reservation)
    }
    // One that is large is served from its file.
    let stored = (try? services.store.manifest(manifest.digest, in: repository)) ?? ServedManifest(manifest)
    let answer = ManifestResult(stored, .miss, detail: "fetched", holding: document.reservation)
    record(reference, answer.head, etag: response.headers[.eTag])
    return answer
  }

  private func keep(_ manifest: StoredManifest) throws(UpstreamError) {
    if services.store.size(of: manifest.digest) == nil,
      !services.evictor.makeRoom(forManifestOf: manifest.bytes.count)
    {
      throw .noRoom
    }
    do {
      try services.store.keep(manifest, in: repository)
    } catch {
      throw UpstreamError(.store, error.description)
    }
  }

  /// The manifest that upstream's bytes and headers are; throws what is wrong with them.
  static func verified(
    _ bytes: [UInt8],
    _ headers: HTTPFields,
    _ reference: Reference
  ) throws(UpstreamError) -> StoredManifest {
    guard let mediaType = headers[.contentType].flatMap({ MediaType($0) }), mediaType.isManifest else {
      throw UpstreamError(.invalidResponse, "upstream sent something else than a manifest for \(reference)")
    }
    guard let outline = ManifestDocument(bytes) else {
      throw UpstreamError(.invalidResponse, "upstream sent a manifest for \(reference) that is no JSON object")
    }
    // The type of any JSON, an error document as well.
    guard mediaType.description != "application/json" || outline.hasSchemaVersion else {
      throw UpstreamError(.invalidResponse, "upstream sent JSON that is no manifest for \(reference)")
    }
    var expected = headers[.dockerContentDigest].flatMap { Digest($0) }
    if case .digest(let digest) = reference { expected = digest }
    guard let digest = Digest(of: bytes, algorithm: expected?.algorithm ?? .sha256), digest == expected ?? digest else {
      throw UpstreamError(
        .invalidResponse,
        "upstream sent a manifest for \(reference) whose digest is not \(expected?.description ?? "known")"
      )
    }
    return StoredManifest(digest: digest, mediaType: mediaType, bytes: bytes)
  }

  private func send(_ method: HTTPRequest.Method, _ reference: Reference) async throws(UpstreamError)
    -> UpstreamResponse
  {
    let route = Route.manifest(repository.name, reference)
    switch try await upstream.send(method, route, headers: [.accept: accept.upstreamValue]) {
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

  private func record(_ reference: Reference, _ head: ManifestResult.Head, etag: String?) {
    guard case .tag(let tag) = reference else { return }
    let record = TagRecord(
      digest: head.digest,
      mediaType: head.mediaType,
      size: head.size,
      checkedAt: services.now(),
      etag: etag
    )
    do {
      try services.store.keep(record, of: tag, variant(recording: head.mediaType, of: tag), in: repository)
    } catch {
      log("tag not kept", UpstreamError(.store, error.description))
    }
  }

  private func variant(recording type: MediaType, of tag: TagName) -> TagVariant {
    let current = (try? services.store.tag(tag, accept.variant, in: repository)) ?? nil
    let isServed = current?.freshness(for: upstream.upstream, now: services.now()) != .expired
    return accept.variant(recording: type, besides: isServed ? current.flatMap { MediaType($0.mediaType) } : nil)
  }

  private func log(_ message: Logger.Message, _ error: UpstreamError) {
    services.logger.warning(
      message,
      metadata: [
        "upstream.name": "\(repository.upstream)", "registry.repository": "\(repository.name)",
        "error": "\(error.reason)",
      ]
    )
  }
}

extension UpstreamError {
  /// Whether the failure says nothing about the content: then what was last known may be served.
  var allowsStaleAnswer: Bool {
    switch kind {
    case .unreachable, .timeout, .invalidResponse, .busy, .notSent: true
    case .status, .authentication: status.map { $0 >= 500 || $0 == 429 } ?? true
    case .cancelled, .store: false
    }
  }
}
