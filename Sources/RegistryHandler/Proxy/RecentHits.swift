internal import HTTPTypes
internal import Synchronization

/// The responses of the current second that the store alone decided, repeated without another look at it.
///
/// None is repeated after its second: a removed file, an eviction or another process's change is seen by then, and the
/// freshness of a tag, counted in seconds, is the same.
package final class RecentHits: Sendable {
  /// The parts of a request that such a response depends on, beside the store and the configuration.
  struct Key: Hashable, Sendable {
    /// The most bytes of a key: usual requests have a few hundred.
    private static let maximumSize = 2048

    private let isHead: Bool
    fileprivate let target: String
    private let host: String
    private let accept: String?

    /// Creates the key; `nil` for a request whose response may depend on more, and for an unusually long one.
    init?(_ request: RegistryRequest) {
      guard request.method == .get || request.method == .head, !request.isRetryAfterEviction else { return nil }
      var accept: String?
      for field in request.headers {
        guard field.name == .accept else { return nil }
        accept = field.value
      }
      isHead = request.method == .head
      target = request.target
      host = request.host
      self.accept = accept
      guard size <= Self.maximumSize else { return nil }
    }

    /// The number of bytes.
    var size: Int { target.utf8.count + host.utf8.count + (accept?.utf8.count ?? 0) }
  }

  /// A second of both clocks: the wall clock may be set back.
  struct Second: Equatable, Sendable {
    let wall: Int64
    let monotonic: Int64
  }

  private struct State {
    var second: Second?
    var responses: [Key: RegistryResponse] = [:]
    var size = 0
  }

  /// A part of the responses, so that threads seldom wait for one another.
  private final class Part: Sendable {
    let state = Mutex(State())
  }

  /// The most memory that one part takes, in bytes.
  private static let maximumSize = 2 << 20

  /// The approximate memory of a response beside its body and key, in bytes.
  private static let overhead = 1024

  private let parts = (0..<8).map { _ in Part() }
  private let now: @Sendable () -> Int64
  private let monotonicNow: @Sendable () -> Int64

  /// - Parameters:
  ///   - now: seconds since 1970.
  ///   - monotonicNow: seconds on a clock that is never set.
  package init(now: @escaping @Sendable () -> Int64, monotonicNow: @escaping @Sendable () -> Int64) {
    self.now = now
    self.monotonicNow = monotonicNow
  }

  var currentSecond: Second { Second(wall: now(), monotonic: monotonicNow()) }

  /// Returns the response of this second; those of an earlier one are dropped.
  func response(for key: Key) -> RegistryResponse? {
    let second = currentSecond
    var former: [Key: RegistryResponse] = [:]
    defer { withExtendedLifetime(former) {} }
    return part(of: key).state.withLock { state in
      if state.second == second { return state.responses[key] }
      // Released after the lock.
      swap(&former, &state.responses)
      state = State(second: second)
      return nil
    }
  }

  /// Keeps a response for the rest of the second.
  /// - Parameter second: the time before the store was read.
  func insert(_ response: RegistryResponse, for key: Key, decidedAt second: Second) {
    guard response.isRepeatable, second == currentSecond else { return }
    var size = key.size + Self.overhead
    if case .bytes(let bytes) = response.body { size += bytes.count }
    var response = response
    response.share = nil
    part(of: key).state.withLock { state in
      guard state.second == second, state.size + size <= Self.maximumSize else { return }
      if state.responses.updateValue(response, forKey: key) == nil { state.size += size }
    }
  }

  func removeAll() {
    for part in parts { part.state.withLock { $0 = State() } }
  }

  private func part(of key: Key) -> Part {
    var hasher = Hasher()
    hasher.combine(key.target)
    return parts[Int(UInt(bitPattern: hasher.finalize()) % UInt(parts.count))]
  }
}
