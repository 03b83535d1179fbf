/// A repository of one upstream, as one way of access shows it; the same name at two upstreams means two repositories.
package struct UpstreamRepository: Hashable, Sendable, CustomStringConvertible {
  package let upstream: UpstreamName
  package let name: RepositoryName
  /// The way of access, as a proof by one says nothing about another.
  package let access: AccessMode

  package init(upstream: UpstreamName, name: RepositoryName, access: AccessMode = .anonymous) {
    self.upstream = upstream
    self.name = name
    self.access = access
  }

  package var description: String { "\(upstream)/\(name)" }
}
