internal import Testing

@testable internal import RegistryHandler

struct LogThrottleTests {
  @Test func `a throttle lets one line a minute through, the first at once`() {
    let throttle = LogThrottle()
    let times: [Duration] = [.zero, .zero, .seconds(59), .seconds(60), .seconds(61), .seconds(119), .seconds(500)]
    #expect(times.map { throttle.isDue(at: $0) } == [true, false, false, true, false, false, true])
  }
}
