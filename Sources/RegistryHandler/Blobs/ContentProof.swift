internal import HTTPTypes
internal import Logging

/// The proof by its content that upstream's repository contains a stored blob, for upstreams that announce no size.
struct ContentProof: Sendable {
  /// The longest time for upstream to send all of the blob.
  private static let timeout: Duration = .seconds(600)

  let digest: Digest
  /// The size of the stored blob, in bytes.
  let size: Int64
  let repository: UpstreamRepository
  let session: UpstreamSession
  let context: BlobContext

  /// Proves and links the blob, once for all waiting clients, and to its end even if they leave.
  /// - Returns: the redirect that upstream responds with instead.
  func redirectUnlessSent(by deadline: ContinuousClock.Instant) async throws(UpstreamError) -> ClientRedirect? {
    let key = RedirectCache.Key(digest, in: repository, by: .get, session.mode)
    return try await withDeadline(deadline, orTimeout: "upstream did not send all of \(digest) in time: retry") {
      () throws(UpstreamError) in
      try await context.contentProofs.run(key) { () throws(UpstreamError) in try await receiveAll() }
    }
  }

  /// Reads and discards the blob from upstream; throws if upstream sends other content.
  private func receiveAll() async throws(UpstreamError) -> ClientRedirect? {
    guard let lease = context.bypasses.lease(for: [.upstream(repository.upstream)]) else {
      throw BypassFailure.tooManyStreams.upstreamError
    }
    let route = Route.blob(repository.name, digest)
    let deadline = ContinuousClock.now + UpstreamSession.responseTimeout
    let response: UpstreamResponse
    switch try await session.forOneClient.send(.get, route, by: deadline) {
    case .redirect(let redirect): return redirect
    case .response(let received): response = received
    }
    guard response.status == 200 else {
      await response.body.discardBriefly()
      throw UpstreamError(refusing: response, route)
    }
    let source = UpstreamBlobSource(
      ResumableBody.Part(body: response.body, skipped: 0),
      range: 0..<size,
      verifying: digest,
      under: lease,
      now: context.instant,
      on: context.executor
    )
    try await withDeadline(.now + Self.timeout, orTimeout: "upstream did not send all of \(digest) in time") {
      () throws(UpstreamError) in try await source.drain()
    }
    await context.link(digest, in: repository)
    return nil
  }
}

extension BlobContext {
  /// Links a blob; a link that cannot be written costs another request next time, nothing more.
  func link(_ digest: Digest, in repository: UpstreamRepository) async {
    do throws(FileError) {
      try await executor.run { [store] () throws(FileError) in try store.link(digest, in: repository) }
    } catch {
      logger.warning("link not stored", metadata: ["error": "\(error)"])
    }
  }
}
