/// An endpoint for the operator; nginx allows requests from loopback only.
package enum StatusEndpoint: String, CaseIterable, Sendable {
  case healthz
  case readyz
  case metrics
  case status
  case statusJSON = "status.json"

  /// Parses a path, including the aliases for probes of other proxies.
  package init?(segments: [Substring]) {
    switch segments {
    case ["health"], ["healthz"]: self = .healthz
    case ["stats"], ["stats", "cache"]: self = .statusJSON
    default:
      guard segments.count == 2, segments[0] == "_regproxy", let endpoint = Self(rawValue: String(segments[1])) else {
        return nil
      }
      self = endpoint
    }
  }
}
