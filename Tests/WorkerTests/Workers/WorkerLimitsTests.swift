internal import Testing

@testable internal import regproxy_fcgi

struct WorkerLimitsTests {
  @Test(
    arguments: [
      (descriptors: Int.max, min: 32, max: 1024), (5184, 32, 1024), (5183, 32, 1023), (1024, 32, 192), (200, 27, 27),
      (69, 1, 1), (64, 1, 1), (0, 1, 1),
    ]
  )
  func `the number of threads is limited by their descriptors`(_ row: (descriptors: Int, min: Int, max: Int)) {
    let limits = WorkerLimits(min: 32, max: 1024).fitting(descriptors: row.descriptors)
    #expect(limits == WorkerLimits(min: row.min, max: row.max))
  }
}
