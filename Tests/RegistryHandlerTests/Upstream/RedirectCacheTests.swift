internal import HTTPTypes
internal import Testing

@testable internal import RegistryHandler

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

  @Test func `a redirect is remembered for its life`() throws {
    let memory = RedirectCache(now: { [clock] in clock.now }, wallClock: { 0 })
    let key = try makeKey()
    #expect(memory.redirect(for: key) == nil)
    memory.insert(redirect, for: key, lifetime: 10)
    clock.advance(by: 9)
    #expect(memory.redirect(for: key) == redirect)
    clock.advance(by: 1)
    #expect(memory.redirect(for: key) == nil)
  }

  @Test(arguments: [0, -5]) func `one that is over is not kept`(_ lifetime: Int64) throws {
    let memory = RedirectCache(now: { [clock] in clock.now }, wallClock: { 0 })
    memory.insert(redirect, for: try makeKey(), lifetime: lifetime)
    #expect(memory.redirect(for: try makeKey()) == nil)
  }

  @Test func `whoever asks for something else gets nothing of it`() throws {
    let memory = RedirectCache(now: { [clock] in clock.now }, wallClock: { 0 })
    memory.insert(redirect, for: try makeKey(), lifetime: 10)
    for key in [
      try makeKey("q.test"), try makeKey("r.test", "b"), try makeKey("r.test", "a", "y"),
      try makeKey("r.test", "a", "x", .head), try makeKey("r.test", "a", "x", .get, .follow),
    ] {
      #expect(memory.redirect(for: key) == nil)
    }
  }

  @Test func `it does not grow for ever`() throws {
    let memory = RedirectCache(now: { [clock] in clock.now }, wallClock: { 0 })
    for number in 0..<10_001 { memory.insert(redirect, for: try makeKey("r.test", "a\(number)"), lifetime: 10) }
    #expect(memory.redirect(for: try makeKey("r.test", "a0")) == nil)
    #expect(memory.redirect(for: try makeKey("r.test", "a10000")) == redirect)
  }
}
