internal import RegistryHandler

extension Configuration {
  /// Checks the rules that concern several keys at once.
  func checkConsistency(file: String) throws(ConfigurationError) {
    guard threads.min <= threads.max else {
      throw ConfigurationError(
        file: file,
        line: nil,
        message: "'threads.min' is \(threads.min) and 'threads.max' \(threads.max): the first must not be larger"
      )
    }
    let defaults = upstreams.filter(\.isDefault)
    guard defaults.count <= 1 else {
      let names = defaults.map(\.name.description).joined(separator: " and ")
      throw ConfigurationError(file: file, line: nil, message: "only one upstream can be the default, but \(names) are")
    }
    try checkUnique(file: file, "the name") { $0.aliases.union([$0.name.description]) }
    try checkUnique(file: file, "the host") { upstream in
      upstream.hosts.union(domain.map { domain in upstream.hostLabels.map { "\($0).\(domain)" } } ?? [])
    }
  }

  private func checkUnique(
    file: String,
    _ what: String,
    _ names: (Upstream) -> Set<String>
  ) throws(ConfigurationError) {
    var owners: [String: UpstreamName] = [:]
    for upstream in upstreams {
      for name in names(upstream) {
        guard let other = owners.updateValue(upstream.name, forKey: name) else { continue }
        throw ConfigurationError(
          file: file,
          line: nil,
          message: "\(what) '\(name)' is claimed by both \(other) and \(upstream.name): remove it from one of them"
        )
      }
    }
  }
}
