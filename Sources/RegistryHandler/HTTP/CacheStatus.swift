/// How the cache took part in an answer: `Cache-Status` and `X-Cache`.
/// <https://www.rfc-editor.org/rfc/rfc9211>
package enum CacheStatus: String, CaseIterable, Sendable {
  /// From the store.
  case hit = "HIT"
  /// From upstream, and kept.
  case miss = "MISS"
  /// From the store although it should have been asked for again: upstream did not answer.
  case stale = "STALE"
  /// From upstream, and not kept.
  case bypass = "BYPASS"

  /// The value of `Cache-Status`.
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
