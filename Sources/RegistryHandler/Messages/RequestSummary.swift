/// The description of a request and its response for log and counters.
package struct RequestSummary: Sendable {
  package var kind: RequestKind
  package var upstream: UpstreamName?
  package var repository: RepositoryName?
  package var reference: String?
  package var cache: CacheStatus?
  package var error: String?

  package init(kind: RequestKind = .invalid) { self.kind = kind }

  /// The summary of a request that led to an upstream.
  package init(_ match: UpstreamTable.Match) {
    kind = match.route.kind
    upstream = match.upstream.name
    repository = match.route.repository
    reference = match.route.reference
  }

  /// Adds the outcome.
  package func completed(by response: RegistryResponse) -> RequestSummary {
    var summary = self
    summary.cache = response.cacheStatus
    summary.error = response.errorMessage
    return summary
  }
}
