internal import HTTPTypes

/// Answers `GET` and `HEAD` of a manifest: a digest from the store for ever, a tag for as long as it is fresh.
struct ManifestHandler: Sendable {
  let upstream: UpstreamSession
  let repository: UpstreamRepository
  let services: ProxyServices

  func respond(to request: RegistryRequest, _ reference: Reference) async throws(UpstreamError) -> RegistryResponse {
    let accept = AcceptHeader(request.headers[.accept])
    let isHead = request.method == .head
    let known = known(reference, accept)
    if case .answer(let answer) = known { return response(answer, isHead: isHead) }
    let key = ManifestKey(repository: repository, reference: reference, accept: accept, isHead: isHead)
    if let refusal = services.refusals.refusal(of: key.refusal, by: key.method) { throw refusal }
    return response(try await answer(to: key, standIn: known.standIn), isHead: isHead)
  }

  /// Upstream's answer; the stand-in when that takes too long, and goes on.
  ///
  /// Timed here, so that an answer is out in time even if the threads that ask are all busy with a slow disk.
  private func answer(to key: ManifestKey, standIn: ServedManifest?) async throws(UpstreamError) -> ManifestResult {
    let patience = standIn == nil ? ProxyServices.answerTimeout : services.staleAnswerTimeout
    let result: Result<ManifestResult, UpstreamError>?
    do {
      // The one that tries a silent upstream would keep the others waiting.
      let flights = upstream.isSilent ? SingleFlight(executor: services.executor) : services.manifestFlights
      result = try await flights.value(for: key, within: patience) { await ask(key) }
    } catch {
      throw .cancelled
    }
    if let result { return try result.get() }
    guard let standIn else { throw UpstreamError(.timeout, "no answer for \(key.reference) came in time") }
    return ManifestResult(standIn, .stale, detail: "stale-while-revalidate")
  }

  /// The answer to a question that is asked once for all who have it.
  private func ask(_ key: ManifestKey) async -> Result<ManifestResult, UpstreamError> {
    // Another question may have ended since the client looked.
    let known = known(key.reference, key.accept)
    if case .answer(let answer) = known { return .success(answer) }
    if let refusal = services.refusals.refusal(of: key.refusal, by: key.method) { return .failure(refusal) }
    let source = ManifestFetcher(upstream: upstream, repository: repository, services: services, accept: key.accept)
    let result = await source.answer(for: key.reference, known, headOnly: key.isHead)
    learn(from: result, key)
    return result
  }

  private func learn(from result: Result<ManifestResult, UpstreamError>, _ key: ManifestKey) {
    switch result {
    case .failure(let error): services.learn(from: error, key.refusal, by: key.method, .manifest)
    // A stale answer says nothing.
    case .success(let answer) where answer.status == .stale: break
    case .success: services.learn(from: nil, key.refusal, by: key.method, .manifest)
    }
  }

  private func known(_ reference: Reference, _ accept: AcceptHeader) -> ManifestLookup.Known {
    ManifestLookup(upstream: upstream.upstream, repository: repository, services: services, accept: accept).known(
      reference
    )
  }

  private func response(_ answer: ManifestResult, isHead: Bool) -> RegistryResponse {
    var response = RegistryResponse(
      status: 200,
      headers: [
        .contentType: answer.head.mediaType.description,
        .dockerContentDigest: answer.head.digest.description,
      ]
    )
    switch isHead ? nil : answer.content {
    case .bytes(let bytes):
      response.body = .bytes(bytes)
      response.reservation = answer.reservation
    case .file(let file):
      response.headers[.contentLength] = String(answer.head.size)
      response.body = .stream(FileBlobSource(file, range: 0..<answer.head.size))
    case nil: response.headers[.contentLength] = String(answer.head.size)
    }
    response.setCacheStatus(answer.status, detail: answer.detail)
    if answer.status == .stale {
      response.headers.append(
        HTTPField(name: .warning, value: "299 regproxy \"upstream gave no answer; this is its last known one\"")
      )
    }
    return response
  }
}

extension TagRecord {
  func freshness(for upstream: Upstream, now: Int64) -> TagFreshness {
    TagFreshness(checkedAt: checkedAt, now: now, ttl: upstream.tagTTL, staleIfError: upstream.staleIfError)
  }
}
