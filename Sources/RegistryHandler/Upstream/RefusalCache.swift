package import HTTPTypes
internal import Synchronization

/// The refusals that upstreams gave a moment ago, for the next clients that ask for the same absent or private content.
package final class RefusalCache: Sendable {
  package struct Key: Hashable, Sendable {
    /// The content that a client asks for.
    package enum Content: Hashable, Sendable {
      /// - acceptable: of the media types that the client takes.
      case manifest(Reference, acceptable: Digest?)
      /// Clients whose redirects are followed here may be refused where those whose are not get a redirect.
      case blob(Digest, RedirectMode)
    }

    package let repository: UpstreamRepository
    package let content: Content
  }

  private struct Entry {
    let error: UpstreamError
    /// Whether it says nothing of GET.
    let isOfHead: Bool
    /// In seconds on the monotonic clock.
    let end: Int64
  }

  /// How long a refusal is remembered, in seconds: a burst of clients is one question, and what is published is found soon.
  package static let life: Int64 = 10

  /// Entries kept at most; beyond it the old ones go, then all: upstream can be asked again.
  private static let maximumEntries = 4096

  private let entries = Mutex<[Key: Entry]>([:])
  private let now: @Sendable () -> Int64

  /// - Parameter now: the monotonic clock, in seconds.
  package init(now: @escaping @Sendable () -> Int64) { self.now = now }

  /// How many are kept, old ones as well.
  var count: Int { entries.withLock(\.count) }

  /// What upstream has said to the same question; `nil` when it has to be asked.
  package func refusal(of key: Key, by method: HTTPRequest.Method) -> UpstreamError? {
    let now = now()
    return entries.withLock { entries in
      guard let entry = entries[key], now < entry.end, method == .head || !entry.isOfHead else { return nil }
      return entry.error
    }
  }

  /// Remembers an error if it is a refusal. One that is remembered already is not remembered for longer.
  package func remember(_ error: UpstreamError, of key: Key, by method: HTTPRequest.Method) {
    guard let scope = error.refusalScope else { return }
    let now = now()
    let entry = Entry(error: error, isOfHead: method == .head && scope == .method, end: now + Self.life)
    entries.withLock { entries in
      if let known = entries[key], now < known.end, entry.isOfHead || !known.isOfHead { return }
      if entries.count >= Self.maximumEntries { entries = entries.filter { now < $0.value.end } }
      if entries.count >= Self.maximumEntries { entries.removeAll() }
      entries[key] = entry
    }
  }

  /// Forgets what a later answer has disproved.
  /// - Returns: whether HEAD had been refused where GET may not have been.
  @discardableResult
  package func forget(_ key: Key) -> Bool { entries.withLock { $0.removeValue(forKey: key)?.isOfHead ?? false } }
}

/// The requests that a refusal is an answer to.
enum RefusalScope: Equatable, Sendable {
  /// Any for the same content.
  case content
  /// Any, if it was the answer to GET; else HEAD alone: some registries refuse that with a token that is good for GET.
  case method
}

extension UpstreamError {
  /// The requests that the error is an answer to for a while; `nil` when it tells of a moment, or of this proxy.
  var refusalScope: RefusalScope? {
    guard kind == .status || kind == .authentication else { return nil }
    return switch status {
    case 404?: .content
    case 401?, 403?: .method
    default: nil
    }
  }
}

extension RefusalCache.Key {
  init(_ digest: Digest, in repository: UpstreamRepository, _ mode: RedirectMode) {
    self.init(repository: repository, content: .blob(digest, mode))
  }
}

extension ProxyServices {
  /// Answers a request for a blob, and learns from how that went.
  func learning(
    _ key: RefusalCache.Key,
    by method: HTTPRequest.Method,
    _ respond: () async throws(UpstreamError) -> RegistryResponse
  ) async throws(UpstreamError) -> RegistryResponse {
    do throws(UpstreamError) {
      let response = try await respond()
      // A hit is no answer of upstream.
      if response.record.cache != .hit { learn(from: nil, key, by: method, .blob) }
      return response
    } catch {
      learn(from: error, key, by: method, .blob)
      throw error
    }
  }

  /// Learns from upstream's answer to a request.
  /// - Parameter failure: `nil` when it was a success.
  func learn(from failure: UpstreamError?, _ key: RefusalCache.Key, by method: HTTPRequest.Method, _ kind: RequestKind)
  {
    if let failure { return refusals.remember(failure, of: key, by: method) }
    let wasOfHead = refusals.forget(key)
    if wasOfHead, method == .get { headFallback.note(nil, HeadFallback.Key(repository: key.repository, kind: kind)) }
  }
}
