internal import Testing

@testable internal import RegistryHandler

/// Table "Manifests" of `docs/request-handling.md`.
struct TagFreshnessTests {
  /// A TTL of a minute, stale for an hour after it.
  @Test(
    arguments: [
      (1_000, 1_000, TagFreshness.fresh),
      (1_000, 1_059, .fresh),
      (1_000, 1_060, .revalidate),
      (1_000, 4_659, .revalidate),
      (1_000, 4_660, .expired),
      (0, 1_700_000_000, .expired),
      // The clock was set back: the check counts as never made, what is known may still stand in.
      (1_001, 1_000, .revalidate),
      (9_999_999_999, 1_000, .revalidate),
    ]
  )
  func `age decides`(_ checkedAt: Int64, _ now: Int64, _ freshness: TagFreshness) {
    let result = TagFreshness(checkedAt: checkedAt, now: now, ttl: .seconds(60), staleIfError: .seconds(3_600))
    #expect(result == freshness)
  }

  @Test func `without a time to live nothing is fresh`() {
    #expect(TagFreshness(checkedAt: 5, now: 5, ttl: .zero, staleIfError: .seconds(1)) == .revalidate)
    #expect(TagFreshness(checkedAt: 5, now: 5, ttl: .zero, staleIfError: .zero) == .expired)
  }

  @Test func `no time in a record stops the process`() async {
    await #expect(processExitsWith: .success) {
      _ = TagFreshness(checkedAt: .min, now: 1_700_000_000, ttl: .seconds(60), staleIfError: .seconds(60))
      _ = TagFreshness(checkedAt: .max, now: 1_700_000_000, ttl: .seconds(60), staleIfError: .seconds(60))
    }
  }
}
