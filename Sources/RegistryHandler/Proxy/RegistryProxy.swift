internal import HTTPTypes

/// Answers the requests of clients: finds the upstream, then the content, in the store or there.
package final class RegistryProxy: Sendable {
  package let upstreams: UpstreamTable
  private let services: ProxyServices
  private let delivery: Delivery

  package init(upstreams: UpstreamTable, services: ProxyServices, delivery: Delivery = .accelerated) {
    self.upstreams = upstreams
    self.services = services
    self.delivery = delivery
  }

  /// Decides an answer. Blocks on the store; waits for upstream without blocking. Cancelling the task gives the wait up.
  package func respond(to request: RegistryRequest) async -> RegistryResponse {
    var record = RequestSummary()
    var response: RegistryResponse
    do throws(RegistryError) {
      response = try await decide(request, &record)
    } catch {
      response = error.response
    }
    record.error = response.record.error
    record.cache = response.record.cache
    response.record = record
    response.headers.append(HTTPField(name: .dockerDistributionAPIVersion, value: "registry/2.0"))
    response.headers.append(HTTPField(name: .xRequestID, value: request.id))
    if case .bytes(let bytes) = response.body {
      response.headers.append(HTTPField(name: .contentLength, value: String(bytes.count)))
    }
    services.counters.count(response)
    return response
  }

  private func decide(
    _ request: RegistryRequest,
    _ record: inout RequestSummary
  ) async throws(RegistryError) -> RegistryResponse {
    let target = try parse { () throws(RouteError) in try RequestTarget(request.target) }
    guard request.method == .get || request.method == .head else {
      record.kind = .upload
      throw Self.readOnly
    }
    if let endpoint = StatusEndpoint(segments: target.segments) {
      record.kind = Route.status(endpoint).kind
      return StatusHandler(services: services, upstreams: upstreams).respond(to: endpoint)
    }
    if target.segments == [""] {
      record.kind = Route.root.kind
      return try redirectToVersionRoot(host: request.host)
    }
    let match = try parse { () throws(RouteError) in try upstreams.match(target, host: request.host) }
    record.kind = match.route.kind
    record.upstream = match.upstream.name
    record.repository = match.route.repository?.description
    record.reference = match.route.reference
    if let repository = match.route.repository, !match.upstream.permits(repository) {
      throw RegistryError(403, .denied, "\(repository) of \(match.upstream.name) is not allowed here by the operator")
    }
    let via = Via(request.headers[.via])
    if match.route.repository != nil, via.isLoop(at: services.name) { throw Self.loop(match.upstream.name) }
    var response: RegistryResponse
    do throws(UpstreamError) {
      response = try await respond(to: request, match, via: via)
    } catch {
      throw RegistryError(error, of: match.upstream.name, for: match.route)
    }
    if match.rule == .namespace {
      response.headers.append(HTTPField(name: .ociNamespace, value: match.upstream.name.description))
    }
    return response
  }

  private func respond(
    to request: RegistryRequest,
    _ match: UpstreamTable.Match,
    via: Via
  ) async throws(UpstreamError) -> RegistryResponse {
    let upstream = UpstreamSession(
      match.upstream,
      mode: match.upstream.redirects.mode(for: request.clientAddress),
      client: services.client,
      tokens: services.tokens,
      health: services.endpointHealth,
      waiting: services.waitingRequests,
      via: via.value(behind: services.name),
      now: services.now
    )
    switch match.route {
    case .ping: return RegistryResponse(status: 200, headers: Self.json, body: .bytes(Array("{}".utf8)))
    case .manifest(let name, let reference):
      let repository = UpstreamRepository(upstream: match.upstream.name, name: name)
      let handler = ManifestHandler(upstream: upstream, repository: repository, services: services)
      return try await handler.respond(to: request, reference)
    case .blob(let name, let digest):
      let repository = UpstreamRepository(upstream: match.upstream.name, name: name)
      let handler = BlobHandler(upstream: upstream, repository: repository, services: services, delivery: delivery)
      let key = RefusalCache.Key(digest, in: repository, upstream.mode)
      return try await services.learning(key, by: request.method) { () throws(UpstreamError) in
        try await handler.respond(to: request, digest)
      }
    case .tags, .referrers:
      return try await ListHandler(upstream: upstream, services: services).respond(to: match)
    case .token:
      return RegistryError(404, .unsupported, "\(match.upstream.name) needs no token here: ask without one").response
    case .root, .uploads, .status: return Self.readOnly.response
    }
  }

  private func redirectToVersionRoot(host: String) throws(RegistryError) -> RegistryResponse {
    guard upstreams.isKnownHost(host) else {
      throw RegistryError(.unknownUpstream(host), upstreams: upstreams.names)
    }
    return RegistryResponse(status: 301, headers: [.location: "/v2/", .contentLength: "0"])
  }

  private func parse<Value>(_ body: () throws(RouteError) -> Value) throws(RegistryError) -> Value {
    do throws(RouteError) {
      return try body()
    } catch {
      throw RegistryError(error, upstreams: upstreams.names)
    }
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

  private static let readOnly = RegistryError(
    405,
    .unsupported,
    "this proxy only reads: push to the registry itself"
  )
}

/// Who sends the bytes of a cached blob.
package enum Delivery: String, CaseIterable, Sendable {
  /// nginx does, told by `X-Accel-Redirect`.
  case accelerated = "x-accel"
  /// The worker does, where nginx cannot be given an internal location.
  case direct
}
