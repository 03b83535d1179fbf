internal import Synchronization

/// The recent failures of endpoints, so that other requests try the next endpoint first.
///
/// One request at a time tries an upstream whose endpoints are all silent.
package final class EndpointHealth: Sendable {
  /// The time for which a failed endpoint is tried last. Then one request tries it first, the others after its success.
  package static let cooldown: Duration = .seconds(30)

  /// The permission of a request to go to an upstream.
  enum Admission: Equatable, Sendable {
    case free
    /// The trial of a silent upstream: other requests are refused until it ends.
    case trial(begun: ContinuousClock.Instant)
    case refused
  }

  private let records = Mutex<[HTTPURL: EndpointRecord]>([:])

  /// The monotonic clock.
  let now: @Sendable () -> ContinuousClock.Instant

  package init(now: @escaping @Sendable () -> ContinuousClock.Instant = { .now }) { self.now = now }

  /// Returns the indices of the endpoints in the order in which a request tries them.
  package func order(_ endpoints: [HTTPURL]) -> [Int] {
    guard endpoints.count > 1 else { return Array(endpoints.indices) }
    let now = now()
    return records.withLock { records in
      var (first, last): ([Int], [Int]) = ([], [])
      for (index, endpoint) in endpoints.enumerated() {
        switch records[endpoint]?.retry {
        case let retry? where retry > now: last.append(index)
        case .some:
          records[endpoint]?.retry = now + Self.cooldown
          first.append(index)
        case nil: first.append(index)
        }
      }
      return first + last
    }
  }

  /// Returns whether all endpoints are silent.
  func areSilent(_ endpoints: [HTTPURL]) -> Bool {
    let now = now()
    return records.withLock { Self.areSilent(endpoints, $0, now) }
  }

  /// Decides whether a request may go to an upstream with these endpoints; a trial has to be ended.
  func admit(to endpoints: [HTTPURL]) -> Admission {
    let now = now()
    return records.withLock { records in
      guard Self.areSilent(endpoints, records, now) else { return .free }
      guard endpoints.contains(where: { records[$0]?.mayBeTried(now: now) ?? true }) else { return .refused }
      for endpoint in endpoints { records[endpoint]?.beginTrial(now: now) }
      return .trial(begun: now)
    }
  }

  func endTrial(of endpoints: [HTTPURL], begun: ContinuousClock.Instant) {
    records.withLock { records in
      for endpoint in endpoints { records[endpoint]?.endTrial(begun: begun) }
    }
  }

  package func noteFailure(of endpoint: HTTPURL) {
    let now = now()
    records.withLock { $0[endpoint, default: EndpointRecord()].noteFailure(now: now) }
  }

  /// - Parameter start: the start of the request that got no response.
  func noteSilence(of endpoint: HTTPURL, since start: ContinuousClock.Instant) {
    let now = now()
    records.withLock { $0[endpoint, default: EndpointRecord()].noteSilence(since: start, now: now) }
  }

  package func noteAnswer(of endpoint: HTTPURL) {
    let now = now()
    records.withLock { $0[endpoint, default: EndpointRecord()].noteAnswer(now: now) }
  }

  private static func areSilent(
    _ endpoints: [HTTPURL],
    _ records: [HTTPURL: EndpointRecord],
    _ now: ContinuousClock.Instant
  ) -> Bool {
    !endpoints.isEmpty && endpoints.allSatisfy { records[$0]?.isSilent(now: now) ?? false }
  }
}
