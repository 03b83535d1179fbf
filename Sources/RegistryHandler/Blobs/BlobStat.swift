internal import HTTPTypes

/// The check whether upstream's repository contains a blob, without a download of it.
struct BlobStat: Sendable {
  enum Finding: Sendable {
    /// The repository contains the blob.
    /// - size: in bytes, if upstream announced it.
    case found(size: Int64?)
    /// Upstream redirects clients, whether the blob exists or not.
    case redirected(ClientRedirect)
  }

  /// The statuses of upstreams without HEAD, and of storage that refuses it by a URL signed for GET.
  private static let refusalsOfHead: Set<Int> = [403, 405, 501]

  private let session: UpstreamSession
  /// The key that simultaneous requests share; its method is the client's.
  private let key: RedirectCache.Key
  private let context: BlobContext
  private let route: Route

  init(
    _ digest: Digest,
    in repository: UpstreamRepository,
    by method: HTTPRequest.Method,
    _ session: UpstreamSession,
    _ context: BlobContext
  ) {
    self.session = session
    self.context = context
    key = RedirectCache.Key(digest, in: repository, by: method, session.mode)
    route = .blob(repository.name, digest)
  }

  /// Returns upstream's finding; a refusal, such as 404, is an error.
  func find() async throws(UpstreamError) -> Finding {
    if let cached = try cachedFinding() { return cached }
    // The request that tries a silent upstream would delay the others.
    if session.isSilent { return try await request() }
    return try await context.stats.run(key) { () throws(UpstreamError) in try await request() }
  }

  /// Returns the cached response to the same request; `nil` when upstream has to be contacted.
  private func cachedFinding() throws(UpstreamError) -> Finding? {
    if let redirect = context.redirects.redirect(for: key) { return .redirected(redirect) }
    if let refusal = context.refusals.refusal(of: key.refusal, by: key.method) { throw refusal }
    return nil
  }

  private func request() async throws(UpstreamError) -> Finding {
    // Another request may have ended since the first look-up.
    if let cached = try cachedFinding() { return cached }
    let deadline = ContinuousClock.now + UpstreamSession.responseTimeout
    let finding = try await withDeadline(deadline, orTimeout: UpstreamSession.timeoutReason) {
      () throws(UpstreamError) in try await sendByEitherMethod()
    }
    if case .redirected(let redirect) = finding { context.redirects.insert(redirect, for: key) }
    return finding
  }

  private func sendByEitherMethod() async throws(UpstreamError) -> Finding {
    switch try await session.send(.head, route) {
    case .redirect(let redirect) where key.method == .head: return .redirected(redirect)
    case .response(let response) where response.status == 401:
      await response.body.discard()
      let repository = HeadFallback.Key(repository: key.repository, kind: .blob)
      let refusal = UpstreamError(refusing: response, route)
      return try await context.refusals.headFallback.retry(repository, after: refusal, by: key.method) {
        () throws(UpstreamError) in try await sendByGet()
      }
    case .response(let response)
    where !Self.refusalsOfHead.contains(response.status) && !(response.status == 200 && isWithoutSize(response)):
      return try await finding(response, [200])
    case .response(let response): await response.body.discard()
    case .redirect: break
    }
    return try await sendByGet()
  }

  private func sendByGet() async throws(UpstreamError) -> Finding {
    // A URL signed for GET is no response to a client that sent HEAD.
    let session = key.method == .head ? session.following : session
    // An empty blob has no first byte.
    switch try await session.send(.get, route, headers: isEmptyBlob ? [:] : [.range: "bytes=0-0"]) {
    case .redirect(let redirect):
      guard key.method == .get else {
        throw UpstreamError(
          .invalidResponse,
          "upstream refuses HEAD of \(key.digest), and redirects GET to a host that is not in 'storage_hosts'"
        )
      }
      return .redirected(redirect)
    case .response(let response): return try await finding(response, [200, 206])
    }
  }

  /// Returns whether upstream announced no size, as by `Transfer-Encoding: chunked`, or 0 for a blob that is not empty.
  private func isWithoutSize(_ response: UpstreamResponse) -> Bool {
    guard let size = response.contentLength else { return true }
    return size == 0 && !isEmptyBlob
  }

  private var isEmptyBlob: Bool { Digest(of: [], algorithm: key.digest.algorithm) == key.digest }

  private func finding(_ response: UpstreamResponse, _ statuses: Set<Int>) async throws(UpstreamError) -> Finding {
    await response.body.discard()
    guard statuses.contains(response.status) else { throw UpstreamError(refusing: response, route) }
    try refuseOtherContent(response)
    guard response.status == 206 else { return .found(size: response.contentLength) }
    return .found(size: response.contentRange?.size)
  }

  /// Throws if the response proves nothing: a login page, for instance, is the response to any request.
  private func refuseOtherContent(_ response: UpstreamResponse) throws(UpstreamError) {
    try response.requireIdentityEncoding()
    if response.headers[.contentType].flatMap({ MediaType($0) })?.description == "text/html" {
      throw UpstreamError(.invalidResponse, "upstream answers with a web page where \(key.digest) was asked for")
    }
    if let named = response.headers[.dockerContentDigest], named != key.digest.description {
      throw UpstreamError(.invalidResponse, "upstream says that it has another blob than \(key.digest)")
    }
  }
}
