internal import HTTPTypes
internal import Synchronization

/// The responses of the current second that the store alone decided, repeated without another look at it.
///
/// Each is dropped as the second ends: a removed file, an eviction or another process's change is seen by then, and the
/// freshness of a tag, counted in seconds, is the same.
package final class RecentHits: Sendable {
  /// What such a response depends on, beside the store and the configuration.
  struct Key: Hashable, Sendable {
    private let isHead: Bool
    private let target: String
    private let host: String
    private let accept: String?

    /// Creates the key; `nil` for a request whose response may depend on more.
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
    }

    /// A number that spreads requests evenly.
    fileprivate var number: Int { Int(target.utf8.last ?? 0) }
  }

  private struct State {
    var second: Int64 = .min
    var responses: [Key: RegistryResponse] = [:]
    var size = 0

    mutating func begin(_ second: Int64) {
      guard second != self.second else { return }
      self = State(second: second)
    }
  }

  /// A part of the responses, so that threads seldom wait for one another.
  private final class Part: Sendable {
    let state = Mutex(State())
  }

  /// The most memory that the bodies in one part take, in bytes.
  private static let maximumSize = 2 << 20

  /// The most responses in one part.
  private static let maximumCount = 2000

  private let parts = (0..<8).map { _ in Part() }
  private let now: @Sendable () -> Int64

  /// - Parameter now: seconds since 1970.
  package init(now: @escaping @Sendable () -> Int64) { self.now = now }

  func response(for key: Key) -> RegistryResponse? {
    let now = now()
    return parts[key.number % parts.count].state.withLock { $0.second == now ? $0.responses[key] : nil }
  }

  /// Keeps a response for the rest of the second.
  /// - Parameter second: the time before the store was read, in seconds since 1970.
  func insert(_ response: RegistryResponse, for key: Key, decidedAt second: Int64) {
    guard response.isRepeatable, second == now() else { return }
    let size = if case .bytes(let bytes) = response.body { bytes.count } else { 0 }
    var response = response
    response.share = nil
    parts[key.number % parts.count].state.withLock { state in
      state.begin(second)
      guard state.size + size <= Self.maximumSize, state.responses.count < Self.maximumCount else { return }
      if state.responses.updateValue(response, forKey: key) == nil { state.size += size }
    }
  }

  /// The current time, in seconds since 1970.
  var currentSecond: Int64 { now() }
}
