/// The `Link` header that leads to the next page of a list.
/// <https://github.com/opencontainers/distribution-spec/blob/v1.1.0/spec.md#listing-tags>
struct NextPageLink: Equatable, Sendable {
  /// The longest header that is parsed, in bytes: its characters may take three times as many for the client.
  static let maximumLength = 4096

  private let query: Query

  /// Parses `<url>; rel="next"`; only the query of the URL counts, as the link for the client leads back to this proxy.
  init?(link: String) {
    guard link.utf8.count <= Self.maximumLength, link.hasPrefix("<"), let end = link.firstIndex(of: ">"),
      Self.isNext(link[end...].dropFirst())
    else { return nil }
    let url = link[..<end].dropFirst()
    guard let mark = url.firstIndex(of: "?"), let query = try? Query(url[url.index(after: mark)...]) else { return nil }
    self.query = query
  }

  /// Returns whether the parameters of a link contain the relation `next`, quoted or not.
  /// <https://www.rfc-editor.org/rfc/rfc8288#section-3>
  private static func isNext(_ parameters: Substring) -> Bool {
    parameters.split(separator: ";").contains { parameter in
      let parts = parameter.split(separator: "=", maxSplits: 1).map(\.trimmingSpaces)
      return parts.count == 2 && parts[0].lowercased() == "rel" && (parts[1] == "next" || parts[1] == "\"next\"")
    }
  }

  /// Makes the header for the client: the same path at this proxy, with the query that upstream expects.
  func header(for match: UpstreamTable.Match) -> String? {
    // Upstream's own `ns` would choose the upstream of the next request.
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
