package import HTTPTypes
internal import Synchronization

/// The refusals that upstreams gave a moment ago, for the next clients that request the same absent or private content.
package final class RefusalCache: Sendable {
  package struct Key: Hashable, Sendable {
    /// The content that a client requests.
    package enum Content: Hashable, Sendable {
      /// - acceptable: the digest of the media types that the client accepts.
      case manifest(Reference, acceptable: Digest?)
      /// A client whose redirects are followed may be refused where another one gets a redirect.
      case blob(Digest, RedirectMode)
    }

    package let repository: UpstreamRepository
    package let content: Content
  }

  private struct Entry {
    let error: UpstreamError
    /// True if the refusal says nothing about GET.
    let isOfHead: Bool
    /// The time in seconds on the monotonic clock.
    let end: Int64
  }

  /// The lifetime of a refusal in seconds: a burst of clients is one request, and newly published content is found
  /// soon.
  package static let lifetime: Int64 = 10

  /// The most entries; beyond it the expired ones go, then all: upstream can be contacted again.
  private static let maximumEntries = 4096

  private let entries = Mutex<[Key: Entry]>([:])
  private let now: @Sendable () -> Int64
  /// The repositories where GET is refused like HEAD.
  let headFallback: HeadFallback

  /// - Parameter now: the monotonic clock, in seconds.
  package init(now: @escaping @Sendable () -> Int64) {
    self.now = now
    headFallback = HeadFallback(now: now)
  }

  /// The number of entries, expired ones included.
  var count: Int { entries.withLock(\.count) }

  /// Returns upstream's refusal of the same content; `nil` when upstream has to be contacted.
  package func refusal(of key: Key, by method: HTTPRequest.Method) -> UpstreamError? {
    let now = now()
    return entries.withLock { entries in
      guard let entry = entries[key], now < entry.end, method == .head || !entry.isOfHead else { return nil }
      return entry.error
    }
  }

  /// Caches an error if it is a refusal. A cached refusal does not get a longer lifetime.
  package func insert(_ error: UpstreamError, for key: Key, by method: HTTPRequest.Method) {
    guard let scope = error.refusalScope else { return }
    let now = now()
    let entry = Entry(error: error, isOfHead: method == .head && scope == .method, end: now + Self.lifetime)
    entries.withLock { entries in
      if let known = entries[key], now < known.end, entry.isOfHead || !known.isOfHead { return }
      if entries.count >= Self.maximumEntries { entries = entries.filter { now < $0.value.end } }
      if entries.count >= Self.maximumEntries { entries.removeAll() }
      entries[key] = entry
    }
  }

  /// Removes a refusal that a later response has disproved.
  /// - Returns: whether HEAD had been refused, but perhaps not GET.
  @discardableResult
  package func remove(_ key: Key) -> Bool { entries.withLock { $0.removeValue(forKey: key)?.isOfHead ?? false } }

  /// Records upstream's response to a request.
  /// - Parameter failure: the failure; `nil` after a success.
  func record(_ failure: UpstreamError?, for key: Key, by method: HTTPRequest.Method, _ kind: RequestKind) {
    if let failure { return insert(failure, for: key, by: method) }
    let wasOfHead = remove(key)
    if wasOfHead, method == .get {
      headFallback.record(nil, HeadFallback.Key(repository: key.repository, kind: kind))
    }
  }
}

/// The requests that a refusal responds to.
enum RefusalScope: Equatable, Sendable {
  /// Any request for the same content.
  case content
  /// Any request after a refused GET, else HEAD alone: some registries refuse HEAD with a token that is valid for GET.
  case method
}

extension UpstreamError {
  /// The requests that the error applies to for a while; `nil` for a transient error, or one of this proxy.
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
