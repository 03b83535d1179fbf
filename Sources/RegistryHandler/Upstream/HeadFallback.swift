internal import HTTPTypes

/// The repositories where GET was refused with 401 like HEAD.
///
/// Nearly all registries mean the same by both: a second request, with a token for each, would double the cost of
/// absent content.
final class HeadFallback: Sendable {
  struct Key: Hashable, Sendable {
    let repository: UpstreamRepository
    let kind: RequestKind
  }

  /// The time for which a repository that refused both is not sent a GET again, in seconds.
  static let pause: Int64 = 600

  /// The most repositories that are remembered.
  private static let capacity = 4096

  private let refused: ExpiringCache<Key, Bool>

  /// - Parameter now: the monotonic clock, in seconds.
  init(now: @escaping @Sendable () -> Int64) { refused = ExpiringCache(capacity: Self.capacity, now: now) }

  /// Sends GET after HEAD was refused with 401, if the client does so itself or GET may succeed.
  /// - Parameters:
  ///   - refusal: the response to HEAD.
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
      record(nil, key)
      return value
    } catch {
      record(error, key)
      throw error
    }
  }

  /// Records the result of a GET of content for which HEAD was refused.
  /// - Parameter failure: of the GET; `nil` when it succeeded.
  func record(_ failure: UpstreamError?, _ key: Key) {
    switch Self.isRefused(failure) {
    case true?: refused.insert(true, for: key, lifetime: Self.pause)
    case false?: refused.removeValue(for: key)
    case nil: break
    }
  }

  /// Returns whether a GET was refused with 401 like the HEAD before it; `nil` for a transient failure.
  static func isRefused(_ failure: UpstreamError?) -> Bool? {
    switch failure?.kind {
    case nil, .invalidResponse?: return false
    case .status?, .authentication?:
      guard let failure, let status = failure.status, !failure.isTransient else { return nil }
      return status == 401
    case .unreachable?, .timeout?, .stalled?, .cancelled?, .unavailable?, .notSent?: return nil
    }
  }
}
