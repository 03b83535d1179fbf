/// The role of the cache in a response: `Cache-Status` and `X-Cache`.
/// <https://www.rfc-editor.org/rfc/rfc9211>
package enum CacheStatus: String, CaseIterable, Sendable {
  /// Served from the store.
  case hit = "HIT"
  /// Served from upstream, and stored.
  case miss = "MISS"
  /// Served from the store although it is not fresh: upstream gave no usable response.
  case stale = "STALE"
  /// Served from upstream, and not stored.
  case bypass = "BYPASS"

  /// Returns the value of `Cache-Status`.
  /// - Parameter detail: one word that tells the operator more, such as `joined`.
  package func headerValue(detail: String) -> String {
    switch self {
    case .hit: "regproxy; hit; detail=\(detail)"
    case .miss: "regproxy; fwd=uri-miss; stored; detail=\(detail)"
    case .stale: "regproxy; hit; fwd=stale; detail=\(detail)"
    case .bypass: "regproxy; fwd=bypass; detail=\(detail)"
    }
  }
}
