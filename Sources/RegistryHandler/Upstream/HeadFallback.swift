internal import HTTPTypes

/// The repositories where GET was refused with 401 like HEAD.
///
/// Nearly all registries mean the same by both: asking again, with a token for each, would double what absent content costs.
final class HeadFallback: Sendable {
  struct Key: Hashable, Sendable {
    let repository: UpstreamRepository
    let kind: RequestKind
  }

  /// The time for which a repository that refused both is not asked by GET again, in seconds.
  static let pause: Int64 = 600

  /// Repositories kept at most.
  private static let capacity = 4096

  private let refused: ExpiringCache<Key, Bool>

  /// - Parameter now: the monotonic clock, in seconds.
  init(now: @escaping @Sendable () -> Int64) { refused = ExpiringCache(capacity: Self.capacity, now: now) }

  /// Asks by GET after HEAD was refused with 401: where the client does so itself, or where it is worth a try.
  /// - Parameters:
  ///   - refusal: the answer to HEAD.
  ///   - method: the client's.
  func retry<Value>(
    _ key: Key,
    after refusal: UpstreamError,
    by method: HTTPRequest.Method,
    _ get: () async throws(UpstreamError) -> Value
  ) async throws(UpstreamError) -> Value {
    guard method == .get || refused[key] == nil else { throw refusal }
    do throws(UpstreamError) {
      let value = try await get()
      note(nil, key)
      return value
    } catch {
      note(error, key)
      throw error
    }
  }

  /// Learns from a GET of what HEAD was refused for.
  /// - Parameter failure: of the GET; `nil` when it succeeded.
  func note(_ failure: UpstreamError?, _ key: Key) {
    switch Self.isRefused(failure) {
    case true?: refused.insert(true, for: key, lifetime: Self.pause)
    case false?: refused.removeValue(for: key)
    case nil: break
    }
  }

  /// True for a GET that was refused with 401 like the HEAD before it; `nil` for a transient failure.
  static func isRefused(_ failure: UpstreamError?) -> Bool? {
    switch failure?.kind {
    case nil, .invalidResponse?: return false
    case .status?, .authentication?:
      guard let failure, let status = failure.status, !failure.isTransient else { return nil }
      return status == 401
    case .unreachable?, .timeout?, .cancelled?, .store?, .busy?, .notSent?: return nil
    }
  }
}
