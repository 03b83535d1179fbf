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
    #expect(RequestLimit(descriptors: row.descriptors, maximum: 16_384).requests == row.requests)
  }

  @Test(arguments: [(16_384, 2048), (100, 12), (7, 1), (1, 1)])
  func `an eighth as many connections are kept`(_ requests: Int, _ idle: Int) {
    #expect(RequestLimit(descriptors: .max, maximum: requests).idleConnections == idle)
  }

  /// A worker with 264 descriptors serves 100 requests; one with many serves as many by its configuration.
  @Test(
    arguments: [
      (descriptors: 264, requests: 0, idle: 12, downloads: 0, load: RequestLoad.low), (264, 12, 12, 1000, .low),
      (264, 13, 0, 0, .high), (264, 100, 0, 0, .high), (264, 99, 2, 0, .high), (264, 99, 2, 1, .full),
      (264, 99, 0, 3, .full), (264, 101, 0, 0, .full), (264, 13, 0, 175, .full),
      (100_000, 100, 12, 3000, .high), (100_000, 101, 0, 0, .full),
    ]
  )
  func `a worker is full when it has too many requests, or no descriptor is left`(
    _ row: (descriptors: Int, requests: Int, idle: Int, downloads: Int, load: RequestLoad)
  ) {
    let limit = RequestLimit(descriptors: row.descriptors, maximum: 100)
    #expect(limit.load(requests: row.requests, idle: row.idle) { row.downloads } == row.load)
  }

  @Test func `downloads are not counted under a low load`() {
    let load = RequestLimit(descriptors: 264, maximum: 100).load(requests: 12, idle: 0) {
      Issue.record("counted")
      return 0
    }
    #expect(load == .low)
  }

  /// With the eighth that is not counted, a party has its percentage.
  @Test(arguments: [(80, 75, 50), (80, 100, 80), (80, 25, 10), (80, 10, 1), (1, 75, 1)])
  func `a share is a part of all requests, at least one`(_ requests: Int, _ percentage: Int, _ share: Int) {
    #expect(RequestLimit(descriptors: .max, maximum: requests).share(percentage: percentage) == share)
  }
}
