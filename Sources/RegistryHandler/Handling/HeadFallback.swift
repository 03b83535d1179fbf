internal import HTTPTypes
internal import Synchronization

/// The upstreams that answer GET where they refuse HEAD with 401.
///
/// Nearly all mean the same by both: asking them again, with a token for each, would double what absent content costs.
final class HeadFallback: Sendable {
  struct Key: Hashable, Sendable {
    let upstream: UpstreamName
    let kind: RequestKind
  }

  /// What is known of an upstream.
  enum Experience: Equatable, Sendable {
    /// GET has had another answer.
    case helpful
    /// GET was refused like HEAD, at a time in seconds on the monotonic clock.
    case useless(since: Int64)

    /// What a GET teaches that follows a HEAD's 401; `nil` when it tells of a moment only.
    /// - Parameter failure: of the GET; `nil` when it succeeded.
    init?(_ failure: UpstreamError?, now: Int64) {
      switch failure?.kind {
      case nil, .invalidAnswer?: self = .helpful
      case .status?, .authentication?:
        guard let failure, let status = failure.status, !failure.isPassing else { return nil }
        self = status == 401 ? .useless(since: now) : .helpful
      case .unreachable?, .timeout?, .cancelled?, .store?, .busy?, .notSent?: return nil
      }
    }

    /// Whether GET is worth a try.
    func isWorthwhile(now: Int64) -> Bool {
      switch self {
      case .helpful: true
      case .useless(let since): now - since >= HeadFallback.pause
      }
    }
  }

  /// How long an upstream that refused both is not asked by GET again, in seconds.
  static let pause: Int64 = 3600

  private let experiences = Mutex<[Key: Experience]>([:])
  private let now: @Sendable () -> Int64

  /// - Parameter now: the monotonic clock, in seconds.
  init(now: @escaping @Sendable () -> Int64) { self.now = now }

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
    let known = experiences.withLock { $0[key] }
    guard method == .get || known?.isWorthwhile(now: now()) ?? true else { throw refusal }
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
    guard let experience = Experience(failure, now: now()) else { return }
    experiences.withLock { experiences in
      if experiences[key] != .helpful { experiences[key] = experience }
    }
  }
}
