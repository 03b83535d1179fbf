package import Logging
internal import Synchronization

/// The accounts that were refused lately: registries lock accounts that try again and again.
package final class RefusedAccounts: Sendable {
  private struct Key: Hashable {
    let upstream: UpstreamName
    let account: String
  }

  /// The time for which a refused account is not used, in seconds.
  private static let pause: Int64 = 5

  /// The most accounts that are remembered.
  private static let capacity = 1000

  private let refusals: ExpiringCache<Key, UpstreamError>
  private let throttles = Mutex<[Key: LogThrottle]>([:])
  private let logger: Logger
  private let now: @Sendable () -> Int64

  /// - Parameter now: the monotonic clock, in seconds.
  package init(logger: Logger, now: @escaping @Sendable () -> Int64) {
    refusals = ExpiringCache(capacity: Self.capacity, now: now)
    self.logger = logger
    self.now = now
  }

  /// Returns the error of an account that was refused in the last seconds.
  func refusal(of account: ServiceAccount, at upstream: UpstreamName) -> UpstreamError? {
    refusals[Key(upstream: upstream, account: account.name)]
  }

  /// Remembers a refusal, and logs it once a minute.
  /// - Parameter place: the URL that refused the account, without its query.
  /// - Returns: the error.
  func record(_ account: ServiceAccount, at upstream: UpstreamName, by place: String) -> UpstreamError {
    account.noteRefusal()
    let reason = "\(place) refuses the account \(account.name): correct 'auth:' of \(upstream)"
    return record(UpstreamError(.authentication, reason), Key(upstream: upstream, account: account.name))
  }

  /// Remembers that an account has no credentials, and logs it once a minute.
  /// - Returns: the error.
  func record(_ failure: CredentialFailure, of account: ServiceAccount, at upstream: UpstreamName) -> UpstreamError {
    let reason = "the account \(account.name) of \(upstream) cannot be used: \(failure.reason)"
    return record(UpstreamError(.authentication, reason), Key(upstream: upstream, account: account.name))
  }

  private func record(_ error: UpstreamError, _ key: Key) -> UpstreamError {
    refusals.insert(error, for: key, lifetime: Self.pause)
    let throttle = throttles.withLock { throttles in
      if throttles.count >= Self.capacity { throttles.removeAll() }
      let throttle = throttles[key] ?? LogThrottle()
      throttles[key] = throttle
      return throttle
    }
    if throttle.isDue(at: .seconds(now())) {
      logger.error("account refused", metadata: ["upstream.name": "\(key.upstream)", "error": "\(error.reason)"])
    }
    return error
  }
}
