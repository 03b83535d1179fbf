internal import FoundationEssentials
internal import HTTPTypes

/// Answers tag lists and referrers with upstream's own answer, links rewritten to lead back here.
struct ListHandler: Sendable {
  /// The largest list that is passed on, in bytes.
  static let maximumSize = 4 << 20

  let upstream: AuthenticatedUpstream

  func respond(to match: UpstreamTable.Match) async throws(UpstreamError) -> RegistryResponse {
    try await withDeadline(.now + ProxyServices.answerTimeout, orTimeout: "upstream gave no answer in time") {
      () throws(UpstreamError) in try await fetch(match)
    }
  }

  private func fetch(_ match: UpstreamTable.Match) async throws(UpstreamError) -> RegistryResponse {
    let response: UpstreamResponse
    switch try await upstream.send(.get, match.route, headers: [.accept: "application/json, */*"]) {
    case .response(let answer): response = answer
    case .redirect(let redirect):
      throw UpstreamError(.invalidAnswer, "upstream redirects a list elsewhere", status: redirect.status)
    }
    guard response.status == 200 else {
      await response.body.discard()
      throw UpstreamError(refusing: response, match.route)
    }
    try response.refuseContentEncoding()
    guard let mediaType = response.headers[.contentType].flatMap({ MediaType($0) }), mediaType.isManifest else {
      throw UpstreamError(.invalidAnswer, "upstream sent something else than JSON")
    }
    guard let bytes = try await response.body.collect(upTo: Self.maximumSize) else {
      throw UpstreamError(.invalidAnswer, "upstream sent a list of more than \(Self.maximumSize) bytes")
    }
    var headers: HTTPFields = [.contentType: mediaType.description, .cacheControl: "no-store"]
    if let link = response.headers[.link].flatMap({ NextPage(link: $0) }) { headers[.link] = link.header(for: match) }
    if response.headers[.ociFiltersApplied] == "artifactType" { headers[.ociFiltersApplied] = "artifactType" }
    var result = RegistryResponse(status: 200, headers: headers, body: .bytes(bytes))
    result.mark(.bypass, detail: "list")
    return result
  }
}

/// The next page of a list, as a `Link` header names it.
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-tags>
struct NextPage: Equatable, Sendable {
  private let query: Query

  /// Parses `<url>; rel="next"`; only the query of the URL counts, as it leads back to where it came from.
  init?(link: String) {
    guard link.hasPrefix("<"), let end = link.firstIndex(of: ">"), Self.isNext(link[end...].dropFirst()) else {
      return nil
    }
    let url = link[..<end].dropFirst()
    guard let mark = url.firstIndex(of: "?"), let query = try? Query(url[url.index(after: mark)...]) else { return nil }
    self.query = query
  }

  /// Whether the parameters of a link have the relation `next`, quoted or not.
  /// <https://www.rfc-editor.org/rfc/rfc8288#section-3>
  private static func isNext(_ parameters: Substring) -> Bool {
    parameters.split(separator: ";").contains { parameter in
      let parts = parameter.split(separator: "=", maxSplits: 1).map(\.trimmingSpaces)
      return parts.count == 2 && parts[0].lowercased() == "rel" && (parts[1] == "next" || parts[1] == "\"next\"")
    }
  }

  /// The header for the client: the same place of this proxy, with what upstream wants to be told.
  func header(for match: UpstreamTable.Match) -> String? {
    var parameters = query.parameters.map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }
    if match.rule == .namespace { parameters.append("ns=\(match.upstream.name.description.percentEncoded)") }
    let path = match.route.target.prefix { $0 != "?" }
    let target =
      switch match.clientPrefix {
      case .none: String(path)
      case .beforeVersion(let name): "/\(name)\(path)"
      case .insideVersion(let name): "/v2/\(name)\(path.dropFirst("/v2".count))"
      }
    return "<\(target)?\(parameters.joined(separator: "&"))>; rel=\"next\""
  }
}
