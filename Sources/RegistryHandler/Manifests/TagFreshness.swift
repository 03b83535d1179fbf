/// The freshness of a tag's last known manifest; pure, time is a parameter.
package enum TagFreshness: Equatable, Sendable {
  /// Served without asking upstream.
  case fresh
  /// Requested from upstream; served stale if that fails.
  case revalidate
  /// Requested from upstream; too old to be served whatever happens.
  case expired

  /// - Parameters:
  ///   - checkedAt: the time at which upstream last confirmed the tag, in seconds since 1970.
  ///   - now: in seconds since 1970. A check in the future (the clock was set back) or before 1970 does not count.
  package init(checkedAt: Int64, now: Int64, ttl: Duration, staleIfError: Duration) {
    guard (0...max(0, now)).contains(checkedAt) else {
      self = .revalidate
      return
    }
    let age = now - checkedAt
    if age < ttl.components.seconds {
      self = .fresh
    } else if age < ttl.components.seconds + staleIfError.components.seconds {
      self = .revalidate
    } else {
      self = .expired
    }
  }
}

extension TagRecord {
  func freshness(for upstream: Upstream, now: Int64) -> TagFreshness {
    TagFreshness(checkedAt: checkedAt, now: now, ttl: upstream.tagTTL, staleIfError: upstream.staleIfError)
  }
}
