internal import HTTPTypes

extension BlobHandler {
  /// The longest time for upstream to send all of a stored blob.
  private static let contentTimeout: Duration = .seconds(600)

  /// Proves by its content that upstream has a blob, and links it: once for all who ask meanwhile, and to its end although
  /// they leave.
  /// - Returns: the redirect that upstream answers with in its place.
  func redirectUnlessSent(_ digest: Digest, size: Int64) async throws(UpstreamError) -> ClientRedirect? {
    let result: Result<ClientRedirect?, UpstreamError>
    result = try await withDeadline(deadline, orTimeout: "upstream did not send all of \(digest) in time: ask again") {
      () throws(UpstreamError) in
      do {
        return try await services.contentProofs.value(for: redirectKey(for: digest)) {
          do throws(UpstreamError) {
            return .success(try await receiveAll(of: digest, size: size))
          } catch {
            return .failure(error)
          }
        }
      } catch {
        throw .cancelled
      }
    }
    return try result.get()
  }

  /// Reads a blob from upstream, and throws it away: what upstream sends has to be the blob.
  private func receiveAll(of digest: Digest, size: Int64) async throws(UpstreamError) -> ClientRedirect? {
    guard let lease = services.bypasses.lease() else { throw Self.tooManyBypasses }
    let route = Route.blob(repository.name, digest)
    let answer: UpstreamResponse
    switch try await ask(upstream.forOneClient, route, [:], until: .now + ProxyServices.answerTimeout) {
    case .redirect(let redirect): return redirect
    case .response(let response): answer = response
    }
    guard answer.status == 200 else {
      await answer.body.discardBriefly()
      throw UpstreamError(refusing: answer, route)
    }
    let reader = UpstreamBlobSource(
      UpstreamBlobSource.Source(body: answer.body, skipped: 0),
      range: 0..<size,
      verifying: digest,
      under: lease,
      now: services.instant,
      on: services.executor
    )
    try await withDeadline(.now + Self.contentTimeout, orTimeout: "upstream did not send all of \(digest) in time") {
      () throws(UpstreamError) in try await reader.drain()
    }
    keepLink(to: digest)
    return nil
  }
}
