internal import Testing

@testable internal import RegistryHandler

struct EndpointHealthTests {
  private let clock = ManualClock()
  private let health: EndpointHealth
  private let endpoints: [HTTPURL]

  init() throws {
    health = EndpointHealth(now: clock.instants)
    endpoints = try ["https://a.test", "https://b.test", "https://c.test"].map { try Values.url($0) }
  }

  private func order(after seconds: Int64) -> [Int] {
    clock.advance(by: seconds)
    return health.order(endpoints)
  }

  @Test func `a failed endpoint is tried last for a while, then by one request first`() {
    #expect(order(after: 0) == [0, 1, 2])
    health.noteFailure(of: endpoints[0])
    clock.advance(by: 10)
    health.noteFailure(of: endpoints[1])
    #expect(order(after: 19) == [2, 0, 1])
    #expect(order(after: 2) == [0, 2, 1])
    #expect(order(after: 0) == [2, 0, 1])
    health.noteAnswer(of: endpoints[0])
    #expect(order(after: 1) == [0, 2, 1])
    #expect(order(after: 13) == [0, 1, 2])
  }

  @Test func `failed endpoints are tried in their order when all have failed`() {
    for endpoint in endpoints { health.noteFailure(of: endpoint) }
    #expect(order(after: 1) == [0, 1, 2])
  }

  private func silence(_ indices: [Int]) {
    for index in indices {
      for _ in 0..<3 { health.noteSilence(of: endpoints[index], since: health.now()) }
    }
  }

  @Test func `an upstream is silent when all its endpoints are silent`() {
    silence([0, 1])
    #expect(!health.areSilent(endpoints))
    #expect(health.admit(to: endpoints) == .free)
    #expect(health.areSilent(Array(endpoints.prefix(2))))
    silence([2])
    #expect(health.areSilent(endpoints))
    health.noteAnswer(of: endpoints[1])
    #expect(!health.areSilent(endpoints))
    #expect(!health.areSilent([]))
  }

  @Test func `a silent upstream is tried by one request, for five seconds or until its end`() {
    silence([0, 1, 2])
    let first = health.now()
    #expect(health.admit(to: endpoints) == .trial(begun: first))
    clock.advance(by: 4)
    #expect(health.admit(to: endpoints) == .refused)
    clock.advance(by: 1)
    let second = health.now()
    #expect(health.admit(to: endpoints) == .trial(begun: second))
    #expect(health.admit(to: endpoints) == .refused)
    health.endTrial(of: endpoints, begun: first)
    #expect(health.admit(to: endpoints) == .refused)
    health.endTrial(of: endpoints, begun: second)
    #expect(health.admit(to: endpoints) == .trial(begun: second))
    health.noteAnswer(of: endpoints[2])
    #expect(health.admit(to: endpoints) == .free)
  }

  @Test func `a single endpoint is tried whatever its failures`() {
    health.noteFailure(of: endpoints[0])
    #expect(health.order([endpoints[0]]) == [0])
  }
}
