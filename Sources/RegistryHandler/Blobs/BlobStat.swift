internal import HTTPTypes

/// Asks upstream about a blob without downloading it.
struct BlobStat: Sendable {
  /// Requests with the same key at the same time are one question; the method is the client's.
  typealias Key = RedirectCache.Key

  enum Answer: Sendable {
    /// The repository contains it.
    /// - size: in bytes, where upstream told.
    case found(size: Int64?)
    /// Upstream sends clients elsewhere for it, whether it is there or not.
    case redirected(ClientRedirect)
  }

  private let upstream: UpstreamSession
  private let key: Key
  private let services: ProxyServices
  private let route: Route

  init(
    _ digest: Digest,
    in repository: UpstreamRepository,
    by method: HTTPRequest.Method,
    of upstream: UpstreamSession,
    _ services: ProxyServices
  ) {
    self.upstream = upstream
    self.services = services
    key = Key(digest, in: repository, by: method, upstream.mode)
    route = .blob(repository.name, digest)
  }

  /// Upstream's answer; a 404 and the like is an error.
  func answer() async throws(UpstreamError) -> Answer {
    if let known = try remembered() { return known }
    if upstream.isSilent { return try await ask().get() }
    let result: Result<Answer, UpstreamError>
    do {
      result = try await services.blobQuestions.value(for: key) { await ask() }
    } catch {
      throw .cancelled
    }
    return try result.get()
  }

  /// The remembered answer to the same question; `nil` when upstream has to be asked.
  private func remembered() throws(UpstreamError) -> Answer? {
    if let redirect = services.redirects.redirect(for: key) { return .redirected(redirect) }
    if let refusal = services.refusals.refusal(of: key.refusal, by: key.method) { throw refusal }
    return nil
  }

  private func ask() async -> Result<Answer, UpstreamError> {
    do throws(UpstreamError) {
      // Another question may have ended since this client looked.
      if let known = try remembered() { return .success(known) }
      let answer = try await withDeadline(
        .now + ProxyServices.answerTimeout,
        orTimeout: "upstream gave no answer in time"
      ) {
        () throws(UpstreamError) in try await askWithEitherMethod()
      }
      if case .redirected(let redirect) = answer { services.remember(redirect, for: key) }
      return .success(answer)
    } catch {
      return .failure(error)
    }
  }

  /// Some registries know no HEAD; some storage refuses it by a URL that was signed for GET.
  private static let refusalsOfHead: Set<Int> = [403, 405, 501]

  private func askWithEitherMethod() async throws(UpstreamError) -> Answer {
    let byHead = try await upstream.send(.head, route)
    switch byHead {
    case .redirect(let redirect) where key.method == .head: return .redirected(redirect)
    case .response(let response) where response.status == 401:
      await response.body.discard()
      let repository = HeadFallback.Key(repository: key.refusal.repository, kind: .blob)
      let refusal = UpstreamError(refusing: response, route)
      return try await services.headFallback.retry(repository, after: refusal, by: key.method) {
        () throws(UpstreamError) in try await askByGet()
      }
    case .response(let response)
    where !Self.refusalsOfHead.contains(response.status) && !(response.status == 200 && isWithoutSize(response)):
      return try await found(response, [200])
    case .response(let response): await response.body.discard()
    case .redirect: break
    }
    return try await askByGet()
  }

  private func askByGet() async throws(UpstreamError) -> Answer {
    // Nothing has no first byte.
    switch try await upstream.send(.get, route, headers: isOfNothing ? [:] : [.range: "bytes=0-0"]) {
    case .redirect(let redirect):
      guard key.method == .get else {
        throw UpstreamError(.invalidResponse, "upstream refuses HEAD of \(key.digest), and redirects GET")
      }
      return .redirected(redirect)
    case .response(let response): return try await found(response, [200, 206])
    }
  }

  /// Whether upstream told no size, as by `Transfer-Encoding: chunked`, or nothing's for what is not empty.
  private func isWithoutSize(_ response: UpstreamResponse) -> Bool {
    guard let size = response.contentLength else { return true }
    return size == 0 && !isOfNothing
  }

  private var isOfNothing: Bool { Digest(of: [], algorithm: key.digest.algorithm) == key.digest }

  /// An upstream that answers whatever it is asked, by a login page for instance, proves nothing.
  private func refuseOtherContent(_ response: UpstreamResponse) throws(UpstreamError) {
    try response.refuseContentEncoding()
    if response.headers[.contentType].flatMap({ MediaType($0) })?.description == "text/html" {
      throw UpstreamError(.invalidResponse, "upstream answers with a web page where \(key.digest) was asked for")
    }
    if let named = response.headers[.dockerContentDigest], named != key.digest.description {
      throw UpstreamError(.invalidResponse, "upstream says that it has another blob than \(key.digest)")
    }
  }

  private func found(_ response: UpstreamResponse, _ statuses: Set<Int>) async throws(UpstreamError) -> Answer {
    await response.body.discard()
    guard statuses.contains(response.status) else { throw UpstreamError(refusing: response, route) }
    try refuseOtherContent(response)
    guard response.status == 206 else { return .found(size: response.contentLength) }
    return .found(size: response.headers[.contentRange].flatMap { ContentRange($0) }?.size)
  }
}

extension RedirectCache.Key {
  /// What upstream may refuse.
  var refusal: RefusalCache.Key {
    RefusalCache.Key(digest, in: repository, mode)
  }
}

extension ProxyServices {
  /// Keeps a redirect for the next who ask the same.
  func remember(_ redirect: ClientRedirect, for key: RedirectCache.Key) {
    guard let url = HTTPURL(redirect.location) else { return }
    redirects.keep(redirect, for: key, life: SignedURLExpiry.cacheLifetime(of: url, now: now()))
  }
}
