internal import Synchronization

/// The fills of this process, one per digest.
package final class FillTable: Sendable {
  /// A request's share of a fill.
  package struct Membership: Sendable {
    package let fill: Fill
    /// Keeps the fill going as long as it lives.
    package let lease: FillLease
    /// True for the request that started the fill.
    package let isNew: Bool
  }

  private let fills = Mutex<[Digest: Fill]>([:])
  private let context: FillContext

  package init(_ context: FillContext) { self.context = context }

  package var count: Int { fills.withLock(\.count) }

  /// Joins the fill of a blob, or starts one.
  package func join(_ digest: Digest, in repository: UpstreamRepository, _ session: UpstreamSession) -> Membership {
    let membership = insert(digest, for: FillOrigin(repository: repository, mode: session.mode))
    if membership.isNew { FillTask(membership.fill, session, in: self, context).start() }
    return membership
  }

  /// Joins the fill of a blob, or inserts one that the caller has to start.
  func insert(_ digest: Digest, for origin: FillOrigin) -> Membership {
    fills.withLock { fills in
      if let fill = fills[digest] { return Membership(fill: fill, lease: fill.makeLease(), isNew: false) }
      let fill = Fill(digest, for: origin)
      fills[digest] = fill
      return Membership(fill: fill, lease: fill.makeLease(), isNew: true)
    }
  }

  package func remove(_ fill: Fill) {
    fills.withLock { fills in
      if fills[fill.digest] === fill { fills[fill.digest] = nil }
    }
  }

  /// Removes an abandoned fill, so that the next client starts another; false where the fill is still wanted.
  func removeIfAbandoned(_ fill: Fill) -> Bool { remove(fill) { $0.isAbandoned } }

  /// Removes a fill without readers that is not worth finishing without them, however little is missing.
  func removeIfUnread(_ fill: Fill) -> Bool { remove(fill) { !$0.isRead } }

  private func remove(_ fill: Fill, if condition: (Fill) -> Bool) -> Bool {
    guard condition(fill) else { return false }
    // Again under the lock: a client may have joined meanwhile, and none can any more.
    return fills.withLock { fills in
      guard condition(fill) else { return false }
      if fills[fill.digest] === fill { fills[fill.digest] = nil }
      return true
    }
  }
}
