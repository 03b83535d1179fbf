internal import RegistryHandler

extension UpstreamTable {
  /// Returns the upstream with a name or an alias.
  func upstream(named name: String) -> Upstream? {
    upstreams.first { $0.name.description == name || $0.aliases.contains(name) }
  }
}
