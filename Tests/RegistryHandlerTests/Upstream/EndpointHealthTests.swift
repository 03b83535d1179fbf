internal import Testing

@testable internal import RegistryHandler

struct EndpointHealthTests {
  private let health = EndpointHealth()
  private let endpoints: [HTTPURL]
  private let start = ContinuousClock.now

  init() throws { endpoints = try ["https://a.test", "https://b.test", "https://c.test"].map { try Values.url($0) } }

  private func order(after seconds: Int) -> [Int] { health.order(endpoints, now: start + .seconds(seconds)) }

  @Test func `one that failed is asked last for a while, then by one request`() {
    #expect(order(after: 0) == [0, 1, 2])
    health.noteFailure(of: endpoints[0], now: start)
    health.noteFailure(of: endpoints[1], now: start + .seconds(10))
    #expect(order(after: 29) == [2, 0, 1])
    #expect(order(after: 31) == [0, 2, 1])
    #expect(order(after: 31) == [2, 0, 1])
    health.noteAnswer(of: endpoints[0])
    #expect(order(after: 32) == [0, 2, 1])
    #expect(order(after: 45) == [0, 1, 2])
  }

  @Test func `when all have failed they are asked in their order`() {
    for endpoint in endpoints { health.noteFailure(of: endpoint, now: start) }
    #expect(order(after: 1) == [0, 1, 2])
  }

  @Test func `a single one is always asked`() {
    health.noteFailure(of: endpoints[0], now: start)
    #expect(health.order([endpoints[0]], now: start) == [0])
  }
}
