internal import HTTPTypes
internal import Logging

/// The work of a fill: one request to upstream, hashed as it arrives, stored once the digest is right.
struct FillTask: Sendable {
  /// The result of one attempt.
  enum Step: Sendable {
    case done(FillProgress.Phase)
    /// Another attempt: the partial file was useless and is gone, or another process gave its download up.
    case restart
  }

  let fill: Fill
  let session: UpstreamSession
  let table: FillTable
  let context: FillContext

  init(_ fill: Fill, _ session: UpstreamSession, in table: FillTable, _ context: FillContext) {
    self.fill = fill
    self.session = session
    self.table = table
    self.context = context
  }

  /// Starts the task. It belongs to no client and continues whoever leaves.
  func start() {
    Task(executorPreference: context.executor) {
      let phase: FillProgress.Phase
      do throws(FillFailure) {
        phase = try await run()
      } catch {
        log("blob not stored", error)
        phase = .failed(error)
      }
      let isProved = phase == .stored && context.store.hasLink(to: fill.digest, in: repository)
      // End before remove: a client that no longer finds the fill must find the blob.
      fill.end(phase, proved: isProved ? repository : nil)
      table.remove(fill)
    }
  }

  private func run() async throws(FillFailure) -> FillProgress.Phase {
    while true {
      if case .done(let phase) = try await attempt() { return phase }
    }
  }

  private func attempt() async throws(FillFailure) -> Step {
    // Another fill may have ended since the client looked into the store.
    if let phase = try storedPhase() ?? cachedRedirect() { return .done(phase) }
    if mayRequestFirst {
      switch context.pendingRequests.begin(fill.digest, to: repository.upstream) {
      case .mine(let request): return try await download(holding: request)
      case .taken(let isSameUpstream): return try await awaitRequest(toSameUpstream: isSameUpstream)
      case .unavailable: break
      }
    }
    switch try claim() {
    case .mine(let partial):
      // Released before the next step, as another attempt may wait for it.
      defer { partial.release() }
      partial.file.markRequest(to: repository.upstream)
      return try await download(into: partial)
    case .taken(let file): return try await follow(file)
    }
  }

  /// Indicates whether upstream is asked before a partial file is claimed: there is no leftover to resume.
  ///
  /// The claim comes first in a store that cannot be written, as its failure makes clients bypass the store.
  private var mayRequestFirst: Bool {
    !isStreaming && !context.store.hasPartial(fill.digest) && context.store.canCreatePartial(fill.digest)
  }

  /// Claims the partial file; throws where clients read another one.
  func claim() throws(FillFailure) -> PartialFile.Claim {
    let claim: PartialFile.Claim
    do {
      claim = try PartialFile.claim(fill.digest, in: context.store)
    } catch {
      throw .store(.file(error))
    }
    let file =
      switch claim {
      case .mine(let partial): partial.file
      case .taken(let file): file
      }
    guard !isStreaming || fill.canContinue(with: file) else {
      if case .mine(let partial) = claim { partial.release() }
      throw .fileReplaced
    }
    return claim
  }

  /// Indicates whether clients may have response headers.
  var isStreaming: Bool { fill.progress.value.canStream }

  /// The repository to request: the fill's own, or the one that the bytes come from if clients already read a file that
  /// another process started.
  var repository: UpstreamRepository {
    let own = fill.origin.repository
    guard isStreaming, let proved = fill.progress.value.provedRepository, proved.upstream == own.upstream else {
      return own
    }
    return proved
  }

  /// Returns the phase implied by a blob that is already in the store; `nil` if absent.
  ///
  /// Throws if clients are reading a different file.
  func storedPhase() throws(FillFailure) -> FillProgress.Phase? {
    guard let size = context.store.size(of: fill.digest) else { return nil }
    guard isStreaming else { return .stored }
    guard fill.canContinue(withFileAt: context.store.layout.blob(fill.digest)) else { throw .fileReplaced }
    guard size == fill.progress.value.size ?? size else { throw .contentChanged }
    fill.advance(to: size)
    return .stored
  }

  private var redirectKey: RedirectCache.Key {
    RedirectCache.Key(fill.digest, in: fill.origin.repository, by: .get, session.mode)
  }

  /// Returns the redirect that other clients of this repository have just been given; `nil` when upstream has to be asked.
  private func cachedRedirect() -> FillProgress.Phase? {
    guard !isStreaming else { return nil }
    return context.redirects.redirect(for: redirectKey).map { .redirected($0) }
  }

  /// Returns the phase of a fill that upstream redirects; throws where clients already have response headers.
  func redirectedPhase(_ redirect: ClientRedirect) throws(FillFailure) -> FillProgress.Phase {
    guard !isStreaming else { throw .redirectedAway }
    context.redirects.insert(redirect, for: redirectKey)
    return .redirected(redirect)
  }

  /// - Parameter retry: the request that resumes the download; `nil` when it has ended.
  func log(_ message: Logger.Message, _ failure: FillFailure, _ retry: ResumableBody.Retry? = nil) {
    var metadata: Logger.Metadata = [
      "upstream.name": "\(fill.origin.repository.upstream)",
      "registry.repository": "\(fill.origin.repository.name)",
      "registry.reference": "\(fill.digest)",
      "error": "\(failure)",
    ]
    if failure == .abandoned {
      context.logger.info("download abandoned: no readers", metadata: metadata)
      return
    }
    if failure.permitsBypass { return context.failures.note(failure.description, metadata) }
    if let retry {
      metadata["store.offset"] = "\(retry.offset)"
      metadata["upstream.endpoint"] = "\(session.upstream.endpoints[retry.endpoint])"
    }
    context.logger.log(level: retry == nil ? .error : .warning, message, metadata: metadata)
  }
}
