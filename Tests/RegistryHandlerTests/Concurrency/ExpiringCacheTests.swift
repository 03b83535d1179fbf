internal import Testing

@testable internal import RegistryHandler

struct ExpiringCacheTests {
  private let clock = ManualClock(0)
  private let cache: ExpiringCache<String, Int>

  init() { cache = ExpiringCache(capacity: 2) { [clock] in clock.now } }

  @Test func `an entry expires after its lifetime`() {
    cache.insert(1, for: "a", lifetime: 10)
    cache.insert(2, for: "b", lifetime: 0)
    clock.advance(by: 9)
    #expect(cache["a"] == 1)
    #expect(cache["b"] == nil)
    clock.advance(by: 1)
    #expect(cache["a"] == nil)
  }

  @Test func `a full cache drops the expired entries, else all`() {
    cache.insert(1, for: "a", lifetime: 5)
    cache.insert(2, for: "b", lifetime: 50)
    clock.advance(by: 5)
    cache.insert(3, for: "c", lifetime: 50)
    #expect(cache["b"] == 2 && cache["c"] == 3)
    cache.insert(4, for: "d", lifetime: 50)
    #expect(cache["b"] == nil && cache["c"] == nil && cache["d"] == 4)
  }

  @Test func `a removed entry is gone`() {
    cache.insert(1, for: "a", lifetime: 5)
    cache.removeValue(for: "a")
    #expect(cache["a"] == nil)
  }
}
