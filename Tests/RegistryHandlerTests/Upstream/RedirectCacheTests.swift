internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

/// Last row of the table "Signed URLs" of `docs/rules/redirects.md`.
struct RedirectCacheTests {
  private let clock = ManualClock()
  private let redirect = ClientRedirect(status: 307, location: "https://s.test/k", method: .get)

  private func makeKey(
    _ upstream: String = "r.test",
    _ repository: String = "a",
    _ content: String = "x",
    _ method: HTTPRequest.Method = .get,
    _ mode: RedirectMode = .passThrough
  ) throws -> RedirectCache.Key {
    RedirectCache.Key(
      try Values.digest(of: content),
      in: try Values.repository(upstream, repository),
      by: method,
      mode
    )
  }

  @Test func `a redirect is cached for its lifetime`() throws {
    let cache = RedirectCache(now: { [clock] in clock.now }, wallClock: { 0 })
    let key = try makeKey()
    #expect(cache.redirect(for: key) == nil)
    cache.insert(redirect, for: key, lifetime: 10)
    clock.advance(by: 9)
    #expect(cache.redirect(for: key) == redirect)
    clock.advance(by: 1)
    #expect(cache.redirect(for: key) == nil)
  }

  @Test(arguments: [0, -5]) func `a redirect without remaining lifetime is not cached`(_ lifetime: Int64) throws {
    let cache = RedirectCache(now: { [clock] in clock.now }, wallClock: { 0 })
    cache.insert(redirect, for: try makeKey(), lifetime: lifetime)
    #expect(cache.redirect(for: try makeKey()) == nil)
  }

  @Test func `a redirect is cached per repository, digest, method and mode`() throws {
    let cache = RedirectCache(now: { [clock] in clock.now }, wallClock: { 0 })
    cache.insert(redirect, for: try makeKey(), lifetime: 10)
    for key in [
      try makeKey("q.test"), try makeKey("r.test", "b"), try makeKey("r.test", "a", "y"),
      try makeKey("r.test", "a", "x", .head), try makeKey("r.test", "a", "x", .get, .follow),
    ] {
      #expect(cache.redirect(for: key) == nil)
    }
  }

  @Test func `the cache holds a limited number of redirects`() throws {
    let cache = RedirectCache(now: { [clock] in clock.now }, wallClock: { 0 })
    for number in 0..<10_001 { cache.insert(redirect, for: try makeKey("r.test", "a\(number)"), lifetime: 10) }
    #expect(cache.redirect(for: try makeKey("r.test", "a0")) == nil)
    #expect(cache.redirect(for: try makeKey("r.test", "a10000")) == redirect)
  }
}
