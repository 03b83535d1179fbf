package import HTTPTypes
internal import Synchronization

/// The redirects that upstreams gave for blobs a moment ago, for the next clients that ask the same.
///
/// Only of upstreams that are asked without an account: what they sign for one client, they sign for all.
package final class RedirectCache: Sendable {
  package struct Key: Hashable, Sendable {
    package let repository: UpstreamRepository
    package let digest: Digest
    /// A signed URL is good for one method.
    package let method: HTTPRequest.Method
    /// Clients whose redirects are followed here learn of others than those whose are not.
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
  }

  private struct Entry {
    let redirect: ClientRedirect
    /// In seconds on the monotonic clock.
    let end: Int64
  }

  /// Entries kept at most; beyond it the old ones go, then all: upstream can be asked again.
  private static let maximumEntries = 10_000

  private let entries = Mutex<[Key: Entry]>([:])
  private let now: @Sendable () -> Int64

  /// - Parameter now: the monotonic clock, in seconds.
  package init(now: @escaping @Sendable () -> Int64) { self.now = now }

  package func redirect(for key: Key) -> ClientRedirect? {
    let now = now()
    return entries.withLock { entries in
      guard let entry = entries[key], now < entry.end else { return nil }
      return entry.redirect
    }
  }

  /// - Parameter life: for how long, in seconds; not at all for none.
  package func keep(_ redirect: ClientRedirect, for key: Key, life: Int64) {
    guard life > 0 else { return }
    let now = now()
    entries.withLock { entries in
      if entries.count >= Self.maximumEntries { entries = entries.filter { now < $0.value.end } }
      if entries.count >= Self.maximumEntries { entries.removeAll() }
      entries[key] = Entry(redirect: redirect, end: now + life)
    }
  }
}
