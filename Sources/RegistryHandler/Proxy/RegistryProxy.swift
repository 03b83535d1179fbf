internal import HTTPTypes

/// The entry point of requests: finds the upstream, then the handler.
package final class RegistryProxy: Sendable {
  package let upstreams: UpstreamTable
  private let services: ProxyServices
  private let delivery: Delivery
  private let recentHits: RecentHits?

  /// - Parameter recentHits: of this configuration; without them, each request looks at the store.
  package init(
    upstreams: UpstreamTable,
    services: ProxyServices,
    delivery: Delivery = .accelerated,
    recentHits: RecentHits? = nil
  ) {
    self.upstreams = upstreams
    self.services = services
    self.delivery = delivery
    self.recentHits = recentHits
  }

  /// Releases the memory of repeated hits: connections hold a replaced proxy until their next request.
  package func forgetRecentHits() { recentHits?.removeAll() }

  /// Decides a response. Blocks on the store; suspends for upstream. A cancelled task stops waiting.
  /// - Parameter load: of the worker; under a high one, requests may be refused, unless they are an operator's.
  package func respond(to request: RegistryRequest, under load: RequestLoad = .low) async -> RegistryResponse {
    let key = recentHits == nil ? nil : RecentHits.Key(request)
    // Repeating a hit takes nothing that a load could exhaust.
    if let key, let response = recentHits?.response(for: key) {
      services.counters.count(response)
      return response
    }
    let second = recentHits?.currentSecond
    var summary = RequestSummary()
    var response: RegistryResponse
    var share: ShareLimit<RequestParty>.Lease?
    do throws(RegistryError) {
      let subject = try subject(of: request)
      summary = subject.summary
      if load != .low, case .content(let match) = subject { share = try admit(request, match, under: load) }
      response = try await respond(to: request, subject)
    } catch {
      response = error.response
    }
    response.summary = summary.completed(by: response)
    response.share = share
    response.headers.append(HTTPField(name: .dockerDistributionAPIVersion, value: "registry/2.0"))
    if case .bytes(let bytes) = response.body {
      response.headers.append(HTTPField(name: .contentLength, value: String(bytes.count)))
    }
    if let key, let second { recentHits?.insert(response, for: key, decidedAt: second) }
    services.counters.count(response)
    return response
  }

  /// Counts a request for its client, upstream and blob; throws the refusal where there are too many.
  private func admit(
    _ request: RegistryRequest,
    _ match: UpstreamTable.Match,
    under load: RequestLoad
  ) throws(RegistryError) -> ShareLimit<RequestParty>.Lease {
    let upstream = match.upstream.name
    guard load != .full else { throw Self.overloaded("the proxy has as many requests as it can serve", upstream) }
    let digest: Digest? = if case .blob(_, let digest) = match.route { digest } else { nil }
    let parties = RequestParty.all(client: request.clientAddress, upstream: upstream, digest: digest)
    do throws(ShareLimit<RequestParty>.Exceeded) {
      return try services.shares.lease(for: parties)
    } catch {
      throw Self.overloaded("\(error.party) has as many requests here as one may have", upstream)
    }
  }

  /// The subject of a request.
  private enum Subject {
    /// Any method but GET and HEAD.
    case write
    case status(StatusEndpoint)
    case root
    case content(UpstreamTable.Match)

    var summary: RequestSummary {
      switch self {
      case .write: RequestSummary(kind: .upload)
      case .status(let endpoint): RequestSummary(kind: Route.status(endpoint).kind)
      case .root: RequestSummary(kind: Route.root.kind)
      case .content(let match): RequestSummary(match)
      }
    }
  }

  private func subject(of request: RegistryRequest) throws(RegistryError) -> Subject {
    do throws(RouteError) {
      let target = try RequestTarget(request.target)
      guard request.method == .get || request.method == .head else { return .write }
      if let endpoint = StatusEndpoint(segments: target.segments) { return .status(endpoint) }
      if target.segments == [""] { return .root }
      return .content(try upstreams.match(target, host: request.host))
    } catch {
      throw RegistryError(error, upstreams: upstreams.names)
    }
  }

  private func respond(to request: RegistryRequest, _ subject: Subject) async throws(RegistryError) -> RegistryResponse
  {
    switch subject {
    case .write: throw Self.readOnly
    case .status(let endpoint): await StatusHandler(services.status, upstreams).respond(to: endpoint)
    case .root: try redirectToVersionRoot(host: request.host)
    case .content(let match): try await respond(to: request, match)
    }
  }

  private func respond(
    to request: RegistryRequest,
    _ match: UpstreamTable.Match
  ) async throws(RegistryError) -> RegistryResponse {
    let upstream = match.upstream.name
    let via = Via(request.headers[.via])
    if let repository = match.route.repository {
      guard match.upstream.permits(repository) else {
        throw RegistryError(403, .denied, "\(repository) of \(upstream) is not allowed here by the operator")
      }
      guard match.upstream.admits(request.clientAddress) else {
        let client = request.clientAddress.map { "\($0)" } ?? "a client without an address"
        throw RegistryError(403, .denied, "\(upstream) is not for \(client): the operator's 'clients:' do not name it")
      }
      if via.isLoop(at: services.name) { throw Self.loop(upstream) }
    }
    var response: RegistryResponse
    do throws(UpstreamError) {
      response = try await respond(to: request, match, via: via)
    } catch {
      throw RegistryError(error, of: upstream, for: match.route)
    }
    // The next client may not be admitted.
    if !match.upstream.clients.isEmpty { response.isRepeatable = false }
    if match.rule == .namespace {
      response.headers.append(HTTPField(name: .ociNamespace, value: upstream.description))
    }
    return response
  }

  private func respond(
    to request: RegistryRequest,
    _ match: UpstreamTable.Match,
    via: Via
  ) async throws(UpstreamError) -> RegistryResponse {
    let mode = match.upstream.redirects.mode(for: request.clientAddress)
    let session = UpstreamSession(match.upstream, mode: mode, via: via, services.upstreams)
    let upstream = match.upstream.name
    switch match.route {
    case .ping: return RegistryResponse(status: 200, headers: Self.json, body: .bytes(Array("{}".utf8)))
    case .manifest(let name, let reference):
      let repository = UpstreamRepository(upstream: upstream, name: name, access: match.upstream.access)
      return try await ManifestHandler(session, repository, services.manifests).respond(to: request, reference)
    case .blob(let name, let digest):
      let repository = UpstreamRepository(upstream: upstream, name: name, access: match.upstream.access)
      return try await BlobHandler(session, repository, services.blobs, delivery).respond(to: request, digest)
    case .tags, .referrers: return try await ListHandler(session, services.lists).respond(to: match)
    case .token: return RegistryError(404, .unsupported, "\(upstream) needs no token here: ask without one").response
    case .root, .uploads, .status: return Self.readOnly.response
    }
  }

  private func redirectToVersionRoot(host: String) throws(RegistryError) -> RegistryResponse {
    guard upstreams.isKnownHost(host) else {
      throw RegistryError(.unknownUpstream(host), upstreams: upstreams.names)
    }
    return RegistryResponse(status: 301, headers: [.location: "/v2/", .contentLength: "0"])
  }

  /// <https://www.rfc-editor.org/rfc/rfc5842#section-7.2>
  private static func loop(_ upstream: UpstreamName) -> RegistryError {
    let remedy = "its 'endpoints:' here, or those of a proxy on the way, lead back: name the registry itself there"
    var error = RegistryError(
      508,
      .unavailable,
      "\(upstream): the request has come through this proxy before; \(remedy)"
    )
    error.upstream = upstream
    return error
  }

  private static let json: HTTPFields = [.contentType: "application/json"]

  private static func overloaded(_ reason: String, _ upstream: UpstreamName) -> RegistryError {
    var error = RegistryError(503, .unavailable, "\(reason): try again shortly")
    error.upstream = upstream
    error.retryAfter = "5"
    return error
  }

  private static let readOnly = RegistryError(
    405,
    .unsupported,
    "this proxy only reads: push to the registry itself"
  )
}
