internal import RegistryHandler
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
    #expect(RequestLimit.fitting(descriptors: row.descriptors, maximum: 16_384) == row.requests)
  }

  @Test(
    arguments: [
      (requests: 0, descriptors: 0, load: RequestLoad.low), (12, 1000, .low), (13, 0, .high), (100, 0, .high),
      (99, 2, .high), (99, 3, .full), (101, 0, .full), (13, 175, .full),
    ]
  )
  func `a worker is full when requests and downloads take all descriptors`(
    _ row: (requests: Int, descriptors: Int, load: RequestLoad)
  ) {
    let load = RequestLimit.load(requests: row.requests, maximum: 100) { row.descriptors }
    #expect(load == row.load)
  }

  @Test(arguments: [(16_384, 2048), (100, 12), (7, 1), (1, 1)])
  func `few connections are kept where there are few descriptors`(_ requests: Int, _ idle: Int) {
    #expect(RequestLimit.idleConnections(requests: requests) == idle)
  }

  @Test func `downloads are not counted under a low load`() {
    let load = RequestLimit.load(requests: 12, maximum: 100) {
      Issue.record("counted")
      return 0
    }
    #expect(load == .low)
  }

  @Test(arguments: [(100, 75, 75), (10, 25, 2), (1, 75, 1), (20, 100, 20)])
  func `a share is a part of all requests, at least one`(_ requests: Int, _ percent: Int, _ share: Int) {
    #expect(RequestBounds(max: 1, maxShare: percent).share(of: requests) == share)
  }
}
