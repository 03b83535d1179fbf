internal import Synchronization

/// Remembers which endpoints gave no answer lately, so that no other request waits for them before it asks the next.
package final class EndpointHealth: Sendable {
  /// How long an endpoint that failed is asked last. Then one request tries it; the others wait for how that ends.
  package static let time: Duration = .seconds(30)

  private let retries = Mutex<[HTTPURL: ContinuousClock.Instant]>([:])

  package init() {}

  /// The places of the endpoints in the order in which a request asks them.
  package func order(_ endpoints: [HTTPURL], now: ContinuousClock.Instant = .now) -> [Int] {
    guard endpoints.count > 1 else { return Array(endpoints.indices) }
    return retries.withLock { retries in
      guard !retries.isEmpty else { return Array(endpoints.indices) }
      var (first, last): ([Int], [Int]) = ([], [])
      for (index, endpoint) in endpoints.enumerated() {
        switch retries[endpoint] {
        case let retry? where retry > now: last.append(index)
        case .some:
          retries[endpoint] = now + Self.time
          first.append(index)
        case nil: first.append(index)
        }
      }
      return first + last
    }
  }

  package func noteFailure(of endpoint: HTTPURL, now: ContinuousClock.Instant = .now) {
    retries.withLock { $0[endpoint] = now + Self.time }
  }

  package func noteAnswer(of endpoint: HTTPURL) {
    retries.withLock { retries in
      // Nearly always there is nothing to forget.
      if !retries.isEmpty { retries[endpoint] = nil }
    }
  }
}
