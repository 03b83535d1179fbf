internal import Testing

@testable internal import regproxy_fcgi

struct RequestLimitTests {
  @Test(
    arguments: [
      (descriptors: Int.max, requests: 16_384), (32_832, 16_384), (32_830, 16_383), (1024, 480), (66, 1), (64, 1),
      (0, 1),
    ]
  )
  func `the number of requests is limited by their descriptors`(_ row: (descriptors: Int, requests: Int)) {
    #expect(RequestLimit.fitting(descriptors: row.descriptors) == row.requests)
  }
}
