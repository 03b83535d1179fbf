/// Whether what is known of a tag may be served; pure, time is a parameter.
package enum TagFreshness: Equatable, Sendable {
  /// Serve it, ask nobody.
  case fresh
  /// Ask upstream; if that fails, what is known may still be served.
  case revalidate
  /// Ask upstream; what is known is too old to be served whatever happens.
  case expired

  /// - Parameters:
  ///   - checkedAt: when upstream last confirmed the tag, in seconds since 1970.
  ///   - now: the present, likewise. A check in the future (the clock was set back) or before 1970 does not count.
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
