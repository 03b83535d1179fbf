internal import Testing

@testable internal import RegistryHandler

/// Table "Cache status" of `docs/request-handling.md`.
struct CacheStatusTests {
  @Test(
    arguments: [
      (CacheStatus.hit, "HIT", "regproxy; hit; detail=stored"),
      (.miss, "MISS", "regproxy; fwd=uri-miss; stored; detail=stored"),
      (.stale, "STALE", "regproxy; hit; fwd=stale; detail=stored"),
      (.bypass, "BYPASS", "regproxy; fwd=bypass; detail=stored"),
    ]
  )
  func `each status has its word and its RFC 9211 value`(_ status: CacheStatus, _ word: String, _ value: String) {
    #expect(status.rawValue == word)
    #expect(status.headerValue(detail: "stored") == value)
  }
}
