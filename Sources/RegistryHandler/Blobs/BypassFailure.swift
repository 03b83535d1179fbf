/// The reason why a client cannot get a blob from upstream without a fill.
enum BypassFailure: Error, Equatable, Sendable {
  case upstream(UpstreamError)
  /// Upstream announced no size.
  case noSize
  /// Upstream sent the whole blob for a far part.
  case rangesRefused
  /// The limit of uncached streams is reached.
  case tooManyStreams

  /// The failure as the client sees it.
  var upstreamError: UpstreamError {
    switch self {
    case .upstream(let error): error
    case .noSize:
      UpstreamError(
        .invalidResponse,
        "upstream announced no size, without which a blob can only be sent from the store"
      )
    case .rangesRefused: UpstreamError(.invalidResponse, "upstream sends no parts of blobs")
    case .tooManyStreams:
      UpstreamError(
        .unavailable,
        "too many blobs are streamed without being stored: retry, and see why the store does not take them"
      )
    }
  }
}
