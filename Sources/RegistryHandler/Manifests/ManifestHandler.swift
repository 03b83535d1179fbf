internal import HTTPTypes

/// Responds to `GET` and `HEAD` of a manifest: a digest from the store forever, a tag as long as it is fresh.
package struct ManifestHandler: Sendable {
  let session: UpstreamSession
  let repository: UpstreamRepository
  let context: ManifestContext

  package init(_ session: UpstreamSession, _ repository: UpstreamRepository, _ context: ManifestContext) {
    self.session = session
    self.repository = repository
    self.context = context
  }

  package func respond(
    to request: RegistryRequest,
    _ reference: Reference
  ) async throws(UpstreamError) -> RegistryResponse {
    let accept = AcceptHeader(request.headers[.accept])
    let key = ManifestKey(repository: repository, reference: reference, accept: accept, method: request.method)
    let known = known(key)
    if case .usable(let result) = known {
      var response = response(result, to: request)
      response.isRepeatable = !response.holdsFile
      return response
    }
    if let refusal = context.refusals.refusal(of: key.refusal, by: key.method) { throw refusal }
    return response(try await result(for: key, standIn: known.standIn), to: request)
  }

  /// Returns upstream's manifest, or the stand-in where the request takes too long; the request then continues.
  ///
  /// The deadline is here, so that headers are sent in time even if all threads of requests wait for a slow disk.
  private func result(for key: ManifestKey, standIn: ServedManifest?) async throws(UpstreamError) -> ManifestResult {
    let patience = standIn == nil ? UpstreamSession.responseTimeout : context.staleResponseTimeout
    // The request that tries a silent upstream would keep the others waiting.
    let flights = session.isSilent ? SingleFlight(executor: context.executor) : context.flights
    let result = try await flights.value(for: key, within: patience, onCancel: .cancelled) { await request(key) }
    if let result { return result }
    guard let standIn else { throw UpstreamError(.timeout, "no response for \(key.reference) came in time") }
    return ManifestResult(standIn, .stale, detail: "stale-while-revalidate")
  }

  /// Gets the manifest, once for all clients that wait for it.
  private func request(_ key: ManifestKey) async -> Result<ManifestResult, UpstreamError> {
    // Another request may have ended since the client looked.
    let known = known(key)
    if case .usable(let result) = known { return .success(result) }
    if let refusal = context.refusals.refusal(of: key.refusal, by: key.method) { return .failure(refusal) }
    let fetcher = ManifestFetcher(session: session, repository: repository, context: context, accept: key.accept)
    let result = await fetcher.result(for: key.reference, known, by: key.method)
    switch result {
    case .failure(let error): context.refusals.record(error, for: key.refusal, by: key.method, .manifest)
    // A stale manifest is not a response of upstream.
    case .success(let manifest) where manifest.status == .stale: break
    case .success: context.refusals.record(nil, for: key.refusal, by: key.method, .manifest)
    }
    return result
  }

  private func known(_ key: ManifestKey) -> ManifestLookup.Finding {
    ManifestLookup(upstream: session.upstream, repository: repository, context: context, accept: key.accept)
      .find(key.reference)
  }

  private func response(_ result: ManifestResult, to request: RegistryRequest) -> RegistryResponse {
    var response = RegistryResponse(
      status: 200,
      headers: [
        .contentType: result.head.mediaType.description,
        .dockerContentDigest: result.head.digest.description,
      ]
    )
    switch request.method == .head ? nil : result.content {
    case .bytes(let bytes):
      response.body = .bytes(bytes)
      response.reservation = result.reservation
    case .file(let file):
      response.headers[.contentLength] = String(result.head.size)
      response.body = .stream(FileBlobSource(file, range: 0..<result.head.size))
    case nil: response.headers[.contentLength] = String(result.head.size)
    }
    response.setCacheStatus(result.status, detail: result.detail)
    if result.status == .stale {
      response.headers.append(
        HTTPField(name: .warning, value: "299 regproxy \"upstream gave no answer; this is its last known one\"")
      )
    }
    return response
  }
}
