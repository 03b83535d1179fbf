internal import RegistryHandler

extension UpstreamTable {
  /// Returns the upstream that a request selects by a name or an alias.
  func upstream(named name: String) -> Upstream? {
    (try? match(RequestTarget("/v2/?ns=\(name)"), host: ""))?.upstream
  }
}
