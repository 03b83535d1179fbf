internal import Testing

@testable internal import RegistryHandler

/// The rules of `docs/rules/eviction.md`.
struct EvictionPolicyTests {
  private func policy(_ maxSize: Int64?, _ minFree: Int64?) -> EvictionPolicy {
    var limits = StoreLimits()
    limits.maxSize = maxSize
    limits.minFree = minFree
    return EvictionPolicy(limits)
  }

  @Test func `the excess over either limit is evicted`() {
    #expect(policy(nil, nil).excess(total: .max / 2, adding: 5, free: 0) == 0)
    #expect(policy(100, nil).excess(total: 90, adding: 10, free: nil) == 0)
    #expect(policy(100, nil).excess(total: 90, adding: 30, free: nil) == 20)
    #expect(policy(nil, 50).excess(total: 90, adding: 30, free: 50) == 0)
    #expect(policy(nil, 50).excess(total: 90, adding: 30, free: 10) == 40)
    #expect(policy(100, 50).excess(total: 90, adding: 30, free: 10) == 40)
    #expect(policy(nil, 50).excess(total: 90, adding: 30, free: nil) == 0)
  }

  @Test func `a tenth is freed ahead of need`() {
    #expect(policy(1000, nil).excessOverHighWatermark(total: 950, free: nil) == 0)
    #expect(policy(1000, nil).excessOverHighWatermark(total: 951, free: nil) == 51)
    #expect(policy(nil, 1000).excessOverHighWatermark(total: 0, free: 1050) == 0)
    #expect(policy(nil, 1000).excessOverHighWatermark(total: 0, free: 1049) == 51)
    #expect(policy(1000, 1000).excessOverHighWatermark(total: 960, free: 500) == 600)
  }

  @Test func `abandoned downloads may take a tenth of the limit, and no space where space is missing`() {
    #expect(policy(nil, nil).excessOfPartials(total: 500, free: 0) == 0)
    #expect(policy(1000, nil).excessOfPartials(total: 100, free: nil) == 0)
    #expect(policy(1000, nil).excessOfPartials(total: 130, free: nil) == 30)
    #expect(policy(nil, 1000).excessOfPartials(total: 500, free: 1050) == 0)
    #expect(policy(nil, 1000).excessOfPartials(total: 500, free: 800) == 300)
    #expect(policy(nil, 1000).excessOfPartials(total: 200, free: 0) == 200)
    #expect(policy(1000, 1000).excessOfPartials(total: 400, free: 1000) == 300)
  }

  @Test func `a blob that was served in the last two minutes is not evicted`() {
    // One more minute, in which a use is not recorded again.
    #expect(!policy(1, nil).mayEvict(accessTime: 1000, now: 1180))
    #expect(policy(1, nil).mayEvict(accessTime: 1000, now: 1181))
    #expect(!policy(1, nil).mayEvict(accessTime: 2000, now: 1181))
  }

  @Test func `a blob of unknown size may exceed each limit by a tenth`() {
    #expect(policy(nil, nil).permitsGrowth(to: .max, total: .max, free: 0))
    #expect(policy(1000, nil).permitsGrowth(to: 100, total: 1000, free: nil))
    #expect(!policy(1000, nil).permitsGrowth(to: 101, total: 1000, free: nil))
    #expect(policy(nil, 1000).permitsGrowth(to: 5, total: 0, free: 900))
    #expect(!policy(nil, 1000).permitsGrowth(to: 5, total: 0, free: 899))
    #expect(!policy(.max, 1000).permitsGrowth(to: 5, total: 0, free: 899))
  }

  @Test func `a blob of unknown size is checked more often where the limits are small`() {
    #expect(policy(nil, nil).growthStep == nil)
    #expect(policy(100 << 20, nil).growthStep == 2_621_440)
    #expect(policy(1, 100 << 30).growthStep == 65_536)
    #expect(policy(nil, 100 << 30).growthStep == 8_388_608)
  }

  @Test func `blobs that cannot be stored may be shared in a tenth of the limit`() {
    #expect(policy(1000, nil).permitsSharing(60, besides: 40))
    #expect(!policy(1000, nil).permitsSharing(61, besides: 40))
    #expect(!policy(1000, nil).permitsSharing(.max, besides: .max))
    #expect(policy(nil, 1000).permitsSharing(.max, besides: .max))
  }
}
