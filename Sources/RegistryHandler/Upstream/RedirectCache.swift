package import HTTPTypes

/// The redirects that upstreams gave for blobs a moment ago, for the other clients of a burst.
///
/// The cache serves upstreams without an account: a URL that they sign for one client, they sign for all.
package final class RedirectCache: Sendable {
  package struct Key: Hashable, Sendable {
    package let repository: UpstreamRepository
    package let digest: Digest
    /// A signed URL is valid for one method.
    package let method: HTTPRequest.Method
    /// Clients whose redirects are followed get other redirects than those whose are not.
    package let mode: RedirectMode

    package init(
      _ digest: Digest,
      in repository: UpstreamRepository,
      by method: HTTPRequest.Method,
      _ mode: RedirectMode
    ) {
      self.repository = repository
      self.digest = digest
      self.method = method
      self.mode = mode
    }

    /// The key of upstream's refusal of the same blob.
    var refusal: RefusalCache.Key { RefusalCache.Key(digest, in: repository, mode) }
  }

  /// The most entries; others can be requested again.
  private static let capacity = 10_000

  private let redirects: ExpiringCache<Key, ClientRedirect>
  private let wallClock: @Sendable () -> Int64

  /// - Parameters:
  ///   - now: the monotonic clock, in seconds.
  ///   - wallClock: the clock that signatures expire by, in seconds since 1970.
  package init(now: @escaping @Sendable () -> Int64, wallClock: @escaping @Sendable () -> Int64) {
    redirects = ExpiringCache(capacity: Self.capacity, now: now)
    self.wallClock = wallClock
  }

  package func redirect(for key: Key) -> ClientRedirect? { redirects[key] }

  /// Caches a redirect for as long as its signature allows.
  package func insert(_ redirect: ClientRedirect, for key: Key) {
    guard let url = HTTPURL(redirect.location) else { return }
    insert(redirect, for: key, lifetime: SignedURLExpiry.cacheLifetime(of: url, now: wallClock()))
  }

  /// - Parameter lifetime: in seconds; a redirect without any is not cached.
  func insert(_ redirect: ClientRedirect, for key: Key, lifetime: Int64) {
    redirects.insert(redirect, for: key, lifetime: lifetime)
  }
}
