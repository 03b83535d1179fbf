internal import FoundationEssentials
internal import HTTPTypes

/// Answers tag lists and referrers with upstream's own answer, links rewritten to lead back here.
struct ListHandler: Sendable {
  /// The largest list that is passed on, in bytes.
  static let maximumSize = 4 << 20

  /// Requests with the same key at the same time are one question.
  struct Key: Hashable, Sendable {
    let upstream: UpstreamName
    /// Path and query, as they go upstream.
    let target: String
  }

  /// What upstream said, the same for all who asked.
  struct Answer: Sendable {
    let document: Document
    let mediaType: MediaType
    let nextPage: NextPageLink?
    /// Whether upstream has applied the filter of the question.
    let isFiltered: Bool
  }

  let upstream: UpstreamSession
  let services: ProxyServices

  func respond(to match: UpstreamTable.Match) async throws(UpstreamError) -> RegistryResponse {
    // Timed here too, so that an answer is out in time even if the threads that ask are all busy with a slow disk.
    let answer = try await withDeadline(.now + ProxyServices.answerTimeout, orTimeout: Self.timeout) {
      () throws(UpstreamError) in try await ask(match.route).get()
    }
    var headers: HTTPFields = [.contentType: answer.mediaType.description, .cacheControl: "no-store"]
    if let link = answer.nextPage?.header(for: match) { headers[.link] = link }
    if answer.isFiltered { headers[.ociFiltersApplied] = "artifactType" }
    var response = RegistryResponse(status: 200, headers: headers, body: .bytes(answer.document.bytes))
    response.reservation = answer.document.reservation
    response.setCacheStatus(.bypass, detail: "list")
    return response
  }

  private static let timeout = "upstream gave no answer in time"

  /// The answer to a question that is asked once for all who have it.
  private func ask(_ route: Route) async -> Result<Answer, UpstreamError> {
    do {
      return try await services.listFlights.value(for: Key(upstream: upstream.upstream.name, target: route.target)) {
        do throws(UpstreamError) {
          let answer = try await withDeadline(.now + ProxyServices.answerTimeout, orTimeout: Self.timeout) {
            () throws(UpstreamError) in try await fetch(route)
          }
          return .success(answer)
        } catch {
          return .failure(error)
        }
      }
    } catch {
      return .failure(.cancelled)
    }
  }

  private func fetch(_ route: Route) async throws(UpstreamError) -> Answer {
    let response: UpstreamResponse
    switch try await upstream.send(.get, route, headers: [.accept: "application/json, */*"]) {
    case .response(let answer): response = answer
    case .redirect(let redirect):
      throw UpstreamError(.invalidResponse, "upstream redirects a list elsewhere", status: redirect.status)
    }
    guard response.status == 200 else {
      await response.body.discard()
      throw UpstreamError(refusing: response, route)
    }
    try response.refuseContentEncoding()
    guard let mediaType = response.headers[.contentType].flatMap({ MediaType($0) }), mediaType.isManifest else {
      throw UpstreamError(.invalidResponse, "upstream sent something else than JSON")
    }
    guard let document = try await response.document(upTo: Self.maximumSize, countedBy: services.documents) else {
      throw UpstreamError(.invalidResponse, "upstream sent a list of more than \(Self.maximumSize) bytes")
    }
    return Answer(
      document: document,
      mediaType: mediaType,
      nextPage: response.headers[.link].flatMap { NextPageLink(link: $0) },
      isFiltered: response.headers[.ociFiltersApplied] == "artifactType"
    )
  }
}

/// The next page of a list, as a `Link` header names it.
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-tags>
struct NextPageLink: Equatable, Sendable {
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
    // Upstream's own `ns` would name the upstream of the next request.
    var parameters = query.parameters.filter { $0.name != "ns" }
      .map { "\($0.name.percentEncoded)=\($0.value.percentEncoded)" }
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
