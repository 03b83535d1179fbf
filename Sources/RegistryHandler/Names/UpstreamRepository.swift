/// A repository of one upstream; the same name at two upstreams means two repositories.
package struct UpstreamRepository: Hashable, Sendable, CustomStringConvertible {
  package let upstream: UpstreamName
  package let name: RepositoryName

  package init(upstream: UpstreamName, name: RepositoryName) {
    self.upstream = upstream
    self.name = name
  }

  package var description: String { "\(upstream)/\(name)" }
}
