internal import HTTPTypes
internal import Logging

/// Carries out a fill: one request upstream, hashed while it arrives, kept once the digest is right.
struct FillTask: Sendable {
  let fill: Fill
  let upstream: UpstreamSession
  let services: ProxyServices

  init(_ fill: Fill, from upstream: UpstreamSession, _ services: ProxyServices) {
    self.fill = fill
    self.upstream = upstream
    self.services = services
  }

  /// Starts the download. It belongs to no client: whoever leaves, it goes on.
  func start() {
    Task(executorPreference: services.executor) {
      let phase: FillProgress.Phase
      do throws(UpstreamError) {
        phase = try await run()
      } catch {
        log("blob not kept", error)
        phase = .failed(error)
      }
      let repository = repository
      let isProved = phase == .stored && services.store.hasLink(to: fill.digest, in: repository)
      // In this order, so that who finds no fill any more finds the blob.
      fill.end(phase, origin: isProved ? repository : nil)
      services.fills.remove(fill)
    }
  }

  private func run() async throws(UpstreamError) -> FillProgress.Phase {
    while true {
      // Another fill may have ended since the client looked at the store.
      if let phase = try stored() ?? redirected() { return phase }
      let claim: PartialFile.Claim
      do {
        claim = try PartialFile.claim(fill.digest, in: services.store)
      } catch {
        throw UpstreamError(.store, "the blob could not be kept: \(error)")
      }
      switch claim {
      case .mine(let partial):
        // Let go before whatever comes next, as another try may wait for it.
        defer { partial.release() }
        guard mayGoOn(with: partial.file) else { throw Self.otherFile }
        partial.file.markRequest(to: repository.upstream)
        if let phase = try await download(into: partial) { return phase }
      case .taken(let file):
        guard mayGoOn(with: file) else { throw Self.otherFile }
        if let phase = try await follow(file) { return phase }
      }
    }
  }

  /// What the blob in the store, if it is there, is to clients of this fill: no end of what they have from another file.
  func stored() throws(UpstreamError) -> FillProgress.Phase? {
    guard let size = services.store.size(of: fill.digest) else { return nil }
    guard isStreaming else { return .stored }
    guard fill.mayGoOn(withFileAt: services.store.layout.blob(fill.digest)) else { throw Self.otherFile }
    guard size == fill.progress.value.size ?? size else { throw ResumedResponse.changedError }
    fill.advance(to: size)
    return .stored
  }

  /// Each client goes on by itself then, and what it has is hashed with the rest.
  private static let otherFile = UpstreamError(
    .store,
    "the file that clients read has been given up by another process"
  )

  /// Downloads what is missing; `nil` when what was there turned out to be of no use, and has gone.
  private func download(into partial: PartialFile) async throws(UpstreamError) -> FillProgress.Phase? {
    // While this one waited for the lock, the last holder may have finished.
    if let phase = try stored() {
      partial.discard()
      return phase
    }
    let offset = partial.length
    var start = offset
    var headers: HTTPFields = [:]
    var known: Int64?
    if offset > 0 {
      let record = services.store.partialRecord(of: fill.digest)
      known = record?.size
      // What another upstream began is not to spoil what this one has, unless clients have been given it already.
      guard record?.origin?.upstream == fill.repository.upstream || isStreaming else {
        partial.discard()
        return nil
      }
      if offset >= record?.size ?? .max {
        guard (try? partial.isVerified()) == true else { return try startAgain(partial) }
        // All of it is here. Its last byte is asked for again, as the proof that it may be read.
        start = offset - 1
      }
      headers[.range] = "bytes=\(start)-"
      headers[.ifRange] = record?.etag
    }
    switch try await firstAnswer(headers) {
    case .redirect(let redirect):
      guard isStreaming else { return remembered(redirect) }
      throw Self.redirectedAway
    case .response(let response):
      switch FirstResponse(response, offset: offset, start: start, size: known) {
      case .receive(let size, let skipped):
        return try await keep(response, in: partial, size: size, skipping: skipped)
      case .startAgain:
        await response.body.discardBriefly()
        return try startAgain(partial)
      case .refused:
        await response.body.discardBriefly()
        throw UpstreamError(refusing: response, route)
      }
    }
  }

  /// Throws what is there away: it is no beginning of the blob. Clients that have it are broken off.
  private func startAgain(_ partial: PartialFile) throws(UpstreamError) -> FillProgress.Phase? {
    partial.discard()
    if isStreaming { throw ResumedResponse.changedError }
    return nil
  }

  private var redirectKey: RedirectCache.Key {
    RedirectCache.Key(fill.digest, in: fill.repository, by: .get, upstream.mode)
  }

  /// The redirect that other clients of this repository have just been given; `nil` when upstream has to be asked.
  private func redirected() -> FillProgress.Phase? {
    guard !isStreaming else { return nil }
    return services.redirects.redirect(for: redirectKey).map { .redirected($0) }
  }

  private func remembered(_ redirect: ClientRedirect) -> FillProgress.Phase {
    services.remember(redirect, for: redirectKey)
    return .redirected(redirect)
  }

  /// Whether clients may have been sent the head of an answer.
  var isStreaming: Bool { fill.progress.value.canStream }

  /// Whether clients that have something of the blob have it from this file.
  private func mayGoOn(with file: OpenFile) -> Bool { !isStreaming || fill.mayGoOn(with: file) }

  private func keep(
    _ response: UpstreamResponse,
    in partial: PartialFile,
    size: Int64?,
    skipping skipped: Int64
  ) async throws(UpstreamError) -> FillProgress.Phase {
    try response.refuseContentEncoding()
    if let promised = fill.progress.value.size, promised != size {
      partial.discard()
      throw UpstreamError(
        .invalidResponse,
        "upstream announced \(promised) bytes for \(fill.digest), and then another size"
      )
    }
    let evictor = services.evictor
    let repository = repository
    let record = PartialRecord(size: size, etag: response.strongEntityTag, origin: repository)
    defer { evictor.withdraw(fill.digest) }
    var counted = try await admit(partial, record) == .reserved ? size : nil
    defer { counted.map { evictor.unreserve($0) } }
    do {
      fill.begin(partial.file, size: size, written: partial.length, origin: repository)
      fill.advance(to: partial.length)
      try await receive(response, into: partial, size: size, skipping: skipped)
      try verify(partial, size: size)
      if partial.length > FillProgress.earlyReleaseSize { fill.releaseTail() }
    } catch let error as FileError {
      partial.giveUp(because: error)
      throw UpstreamError(.store, "the blob could not be kept: \(error)")
    } catch let error as UpstreamError {
      // What broke off can be gone on with; what is wrong has been discarded where that was found.
      throw error
    } catch {
      throw UpstreamError(.unreachable, "the download broke off: \(error)")
    }
    if counted == nil {
      guard await hasRoom(partial) else {
        log("blob not kept", .noRoom)
        partial.discard()
        return .notStored
      }
      counted = partial.length
    }
    do throws(FileError) {
      // The link first: who finds the blob then finds that it may be read here, too.
      try services.store.link(fill.digest, in: repository)
      try partial.promote()
      counted = nil
      return .stored
    } catch {
      log("blob not kept", UpstreamError(.store, error.description))
      partial.giveUp(because: error)
      return .notStored
    }
  }

  /// Makes room, and lets other processes know; throws where it is not to be written at all.
  private func admit(_ partial: PartialFile, _ record: PartialRecord) async throws(UpstreamError) -> Admission {
    let progress = fill.progress
    var failure: FileError?
    let admission = await services.evictor.admit(fill.digest, size: record.size, present: partial.length) {
      progress.value.written
    } announce: { admission in
      // Nobody follows what is withheld to its end, nor goes on with it.
      guard record.size ?? .max > FillProgress.withheldTail else { return }
      do throws(FileError) { try partial.keep(record.reserved(admission == .reserved)) } catch { failure = error }
    }
    if admission == .refused {
      partial.discard()
      throw .noRoom
    }
    if let failure {
      if admission == .reserved, let size = record.size { services.evictor.unreserve(size) }
      partial.giveUp(because: failure)
      throw UpstreamError(.store, "the blob could not be kept: \(failure)")
    }
    return admission
  }

  /// Whether the store may take it. Nobody waits for what has to go: readers have the end before.
  private func hasRoom(_ partial: PartialFile) async -> Bool {
    if services.evictor.reserve(partial.length, of: fill.digest) { return true }
    fill.releaseTail()
    return await services.evictor.makeRoom(for: partial.length, of: fill.digest)
  }

  private func verify(_ partial: PartialFile, size: Int64?) throws {
    if let size, size != partial.length {
      partial.discard()
      throw UpstreamError(
        .invalidResponse,
        "upstream sent \(partial.length) bytes of \(fill.digest), not the \(size) it announced"
      )
    }
    guard try partial.isVerified() else {
      partial.discard()
      throw UpstreamError(.invalidResponse, "upstream sent \(partial.length) bytes whose digest is not \(fill.digest)")
    }
  }

  /// - Parameter resumption: where the download goes on, in bytes, and whom it asks; `nil` when it has ended.
  func log(
    _ message: Logger.Message,
    _ error: UpstreamError,
    at resumption: (offset: Int64, endpoint: HTTPURL)? = nil
  ) {
    var metadata: Logger.Metadata = [
      "upstream.name": "\(fill.repository.upstream)",
      "registry.repository": "\(fill.repository.name)",
      "registry.reference": "\(fill.digest)",
      "error": "\(error.reason)",
    ]
    if error == .abandoned {
      services.logger.info("download left: nobody reads it", metadata: metadata)
      return
    }
    if error.kind == .store { return services.storeFailures.note(error.reason, metadata) }
    if let resumption {
      metadata["store.offset"] = "\(resumption.offset)"
      metadata["upstream.endpoint"] = "\(resumption.endpoint)"
    }
    services.logger.log(level: resumption == nil ? .error : .warning, message, metadata: metadata)
  }
}

extension UpstreamResponse {
  /// The size that was announced, in bytes. <https://www.rfc-editor.org/rfc/rfc9110#section-8.6>
  var contentLength: Int64? {
    headers[.contentLength].flatMap { $0.utf8.allSatisfy(\.isDigit) ? Int64($0) : nil }
  }

  /// The validator that a range may be asked by. <https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5>
  var strongEntityTag: String? { headers[.eTag].flatMap { $0.hasPrefix("\"") ? $0 : nil } }

  /// We ask for the identity: encoded content has another digest than its name says.
  func refuseContentEncoding() throws(UpstreamError) {
    guard let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" else { return }
    throw UpstreamError(.invalidResponse, "upstream sent content with an encoding that nobody asked for")
  }
}

extension UpstreamError {
  /// What has to be in the store leaves too little room.
  static let noRoom = UpstreamError(
    .store,
    "it is too large, or too much in the store is pinned or was used in the last minutes: raise 'store.max_size'"
  )

  /// Nobody wants the rest of a download: what is there stays for who comes next.
  static let abandoned = UpstreamError(.cancelled, "nobody reads the download any more")
}
