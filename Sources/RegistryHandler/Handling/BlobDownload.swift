internal import HTTPTypes
internal import Logging

/// Carries out a fill: one request upstream, hashed while it arrives, kept once the digest is right.
struct BlobDownload: Sendable {
  let fill: Fill
  let upstream: AuthenticatedUpstream
  let services: ProxyServices

  init(_ fill: Fill, from upstream: AuthenticatedUpstream, _ services: ProxyServices) {
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
      // In this order, so that who finds no fill any more finds the blob.
      fill.end(phase)
      services.fills.remove(fill)
    }
  }

  private func run() async throws(UpstreamError) -> FillProgress.Phase {
    // Another fill may have ended between the client's look at the store and its joining this one.
    if services.store.size(of: fill.digest) != nil, services.store.hasLink(to: fill.digest, in: fill.place) {
      return .complete
    }
    switch try await answer() {
    case .redirect(let redirect):
      services.remember(redirect, for: RedirectMemory.Key(fill.digest, in: fill.place, by: .get, upstream.external))
      return .redirected(redirect)
    case .response(let response):
      guard response.status == 200 else {
        await response.body.discard()
        throw UpstreamError(refusing: response, route)
      }
      try await keep(response)
      return .complete
    }
  }

  var route: Route { .blob(fill.place.repository, fill.digest) }

  /// Upstream's answer, its head within the time that clients wait; the fill then makes way for another try.
  func answer(_ headers: HTTPFields = [:]) async throws(UpstreamError) -> AuthenticatedUpstream.Answer {
    let route = route
    return try await withDeadline(.now + ProxyServices.answerTimeout, orTimeout: "upstream gave no answer in time") {
      () throws(UpstreamError) in try await upstream.send(.get, route, headers: headers)
    }
  }

  private func keep(_ response: UpstreamResponse) async throws(UpstreamError) {
    try response.refuseContentEncoding()
    let size = response.contentLength
    do {
      let partial = try PartialFile(fill.digest, in: services.store)
      fill.begin(partial, size: size)
      try await receive(response, into: partial, size: size)
      try verify(partial, size: size)
      // The link first: who finds the blob then finds that it may be read here, too.
      try services.store.link(fill.digest, in: fill.place)
      try partial.promote()
    } catch let error as StoreError {
      throw UpstreamError(.store, "the blob could not be kept: \(error)")
    } catch let error as UpstreamError {
      throw error
    } catch {
      throw UpstreamError(.unreachable, "the download broke off: \(error)")
    }
  }

  private func verify(_ partial: PartialFile, size: Int64?) throws(UpstreamError) {
    if let size, size != partial.length {
      throw UpstreamError(
        .invalidAnswer,
        "upstream sent \(partial.length) bytes of \(fill.digest), not the \(size) it announced"
      )
    }
    guard partial.isVerified() else {
      throw UpstreamError(.invalidAnswer, "upstream sent \(partial.length) bytes whose digest is not \(fill.digest)")
    }
  }

  func log(_ message: Logger.Message, _ error: UpstreamError, offset: Int64? = nil) {
    var metadata: Logger.Metadata = [
      "upstream.name": "\(fill.place.upstream)",
      "registry.repository": "\(fill.place.repository)",
      "registry.reference": "\(fill.digest)",
      "error": "\(error.reason)",
    ]
    if let offset { metadata["store.offset"] = "\(offset)" }
    services.logger.log(level: offset == nil ? .error : .warning, message, metadata: metadata)
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
    throw UpstreamError(.invalidAnswer, "upstream sent content with an encoding that nobody asked for")
  }
}
