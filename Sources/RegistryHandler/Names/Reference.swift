/// The reference to a manifest in a repository: a movable tag or an immutable digest.
package enum Reference: Hashable, Sendable {
  case tag(TagName)
  case digest(Digest)
}

extension Reference: CustomStringConvertible {
  package var description: String {
    switch self {
    case .tag(let tag): tag.description
    case .digest(let digest): digest.description
    }
  }
}
