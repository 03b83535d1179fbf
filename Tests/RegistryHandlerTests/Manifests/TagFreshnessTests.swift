internal import Testing

@testable internal import RegistryHandler

/// Table "Look-up" of `docs/rules/manifests.md`: the age of a tag.
struct TagFreshnessTests {
  /// A TTL of a minute, and an hour in which the tag may be stale.
  @Test(
    arguments: [
      (1_000, 1_000, TagFreshness.fresh),
      (1_000, 1_059, .fresh),
      (1_000, 1_060, .revalidate),
      (1_000, 4_659, .revalidate),
      (1_000, 4_660, .expired),
      (0, 1_700_000_000, .expired),
      // The clock was set back: the check counts as never made, the known manifest may still be served stale.
      (1_001, 1_000, .revalidate),
      (9_999_999_999, 1_000, .revalidate),
    ]
  )
  func `the age of a record decides its freshness`(_ checkedAt: Int64, _ now: Int64, _ freshness: TagFreshness) {
    let result = TagFreshness(checkedAt: checkedAt, now: now, ttl: .seconds(60), staleIfError: .seconds(3_600))
    #expect(result == freshness)
  }

  @Test func `a tag without TTL is never fresh`() {
    #expect(TagFreshness(checkedAt: 5, now: 5, ttl: .zero, staleIfError: .seconds(1)) == .revalidate)
    #expect(TagFreshness(checkedAt: 5, now: 5, ttl: .zero, staleIfError: .zero) == .expired)
  }

  @Test func `an extreme time in a record does not stop the process`() async {
    await #expect(processExitsWith: .success) {
      _ = TagFreshness(checkedAt: .min, now: 1_700_000_000, ttl: .seconds(60), staleIfError: .seconds(60))
      _ = TagFreshness(checkedAt: .max, now: 1_700_000_000, ttl: .seconds(60), staleIfError: .seconds(60))
    }
  }
}
