internal import HTTPTypes

/// Responds to requests for tag lists and referrers with upstream's own list and a link that leads back to this proxy.
package struct ListHandler: Sendable {
  /// The largest list, in bytes.
  static let maximumSize = 4 << 20

  /// The key of requests that share one request to upstream.
  struct Key: Hashable, Sendable {
    let upstream: UpstreamName
    /// Path and query, as upstream gets them.
    let target: String
  }

  /// Upstream's list, the same for all clients that wait for it.
  struct List: Sendable {
    let document: Document
    let mediaType: MediaType
    let nextPage: NextPageLink?
    /// True if upstream has applied the filter of the request.
    let isFiltered: Bool
  }

  let session: UpstreamSession
  let context: ListContext

  package init(_ session: UpstreamSession, _ context: ListContext) {
    self.session = session
    self.context = context
  }

  package func respond(to match: UpstreamTable.Match) async throws(UpstreamError) -> RegistryResponse {
    // A deadline here, too: headers are sent in time even if all threads of requests wait for a slow disk.
    let deadline = ContinuousClock.now + UpstreamSession.responseTimeout
    let list = try await withDeadline(deadline, orTimeout: UpstreamSession.timeoutReason) {
      () throws(UpstreamError) in try await self.list(match.route)
    }
    var headers: HTTPFields = [.contentType: list.mediaType.description, .cacheControl: "no-store"]
    if let link = list.nextPage?.header(for: match) { headers[.link] = link }
    if list.isFiltered { headers[.ociFiltersApplied] = "artifactType" }
    var response = RegistryResponse(status: 200, headers: headers, body: .bytes(list.document.bytes))
    response.reservation = list.document.reservation
    response.setCacheStatus(.bypass, detail: "list")
    return response
  }

  /// Returns the list, by one request for all clients that wait for it.
  private func list(_ route: Route) async throws(UpstreamError) -> List {
    let key = Key(upstream: session.upstream.name, target: route.target)
    return try await context.flights.run(key) { () throws(UpstreamError) in
      let deadline = ContinuousClock.now + UpstreamSession.responseTimeout
      return try await withDeadline(deadline, orTimeout: UpstreamSession.timeoutReason) {
        () throws(UpstreamError) in try await fetch(route)
      }
    }
  }

  private func fetch(_ route: Route) async throws(UpstreamError) -> List {
    let response: UpstreamResponse
    switch try await session.send(.get, route, headers: [.accept: "application/json, */*"]) {
    case .response(let received): response = received
    case .redirect(let redirect):
      throw UpstreamError(.invalidResponse, "upstream redirects a list elsewhere", status: redirect.status)
    }
    guard response.status == 200 else {
      await response.body.discard()
      throw UpstreamError(refusing: response, route)
    }
    try response.requireIdentityEncoding()
    guard let mediaType = response.headers[.contentType].flatMap({ MediaType($0) }), mediaType.isManifest else {
      throw UpstreamError(.invalidResponse, "upstream sent something other than JSON")
    }
    let upstream = session.upstream.name
    guard
      let document = try await response.document(upTo: Self.maximumSize, countedBy: context.documents, for: upstream)
    else {
      throw UpstreamError(.invalidResponse, "upstream sent a list of more than \(Self.maximumSize) bytes")
    }
    // A response without a length is cut off unnoticed.
    guard ManifestDocument(document.bytes) != nil else {
      throw UpstreamError(.invalidResponse, "upstream sent a list that is not one JSON object")
    }
    return List(
      document: document,
      mediaType: mediaType,
      nextPage: response.headers[.link].flatMap { NextPageLink(link: $0) },
      isFiltered: response.headers[.ociFiltersApplied] == "artifactType"
    )
  }
}
