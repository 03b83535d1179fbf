internal import Testing

@testable internal import RegistryHandler

/// Table "Signed URLs" of `docs/rules/redirects.md`.
struct SignedURLExpiryTests {
  @Test(
    arguments: [
      ("X-Amz-Date=20260131T235959Z&X-Amz-Expires=1200&X-Amz-Signature=a", 1_769_903_999 + 1200),
      ("a=b&X-Goog-Expires=60&X-Goog-Date=20260131T235959Z", 1_769_903_999 + 60),
      ("Expires=1769904000&Signature=a&Key-Pair-Id=b", 1_769_904_000),
      ("sv=2020-01-01&se=2026-01-31T23%3A59%3A59Z&sig=a%2Bb", 1_769_903_999),
      ("X-Amz-Date=20260131T235959Z", nil),
      ("X-Amz-Date=2026-01-31&X-Amz-Expires=1200", nil),
      ("X-Amz-Date=20260131T235959Z&X-Amz-Expires=-5", nil),
      ("X-Amz-Date=20260131T235959Z&X-Amz-Expires=9223372036854775807", nil),
      ("se=2026-01-31T23:59:59Z", nil), ("Expires=soon", nil), ("", nil), ("a=%zz&Expires=1", nil),
    ] as [(String, Int64?)]
  )
  func `a signature expires when its URL says`(_ query: String, _ expiry: Int64?) throws {
    #expect(SignedURLExpiry.expiry(of: try Values.url("https://s.test/k?\(query)")) == expiry)
  }

  @Test func `a URL without a query has no expiry`() throws {
    #expect(SignedURLExpiry.expiry(of: try Values.url("https://s.test/k")) == nil)
  }

  @Test(
    arguments: [
      ("https://s.test/k", 5), ("https://s.test/k?Expires=1000", 0), ("https://s.test/k?Expires=900", 0),
      ("https://s.test/k?Expires=1001", 0), ("https://s.test/k?Expires=1010", 5), ("https://s.test/k?Expires=1060", 30),
      ("https://s.test/k?Expires=9000", 30), ("https://s.test/k?Expires=-9223372036854775808", 0),
    ] as [(String, Int64)]
  )
  func `a redirect is cached for half of its remaining lifetime, up to a limit`(_ url: String, _ seconds: Int64) throws
  {
    #expect(SignedURLExpiry.cacheLifetime(of: try Values.url(url), now: 1000) == seconds)
  }
}
