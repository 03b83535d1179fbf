internal import Yams

/// The environment variables that override values in the file: `REGPROXY_STORE_DIRECTORY` for `store.directory`.
struct ConfigurationOverrides {
  private let nodes: [String: ConfigurationNode]

  /// - Parameter paths: the scalars that a variable can set; an empty variable sets nothing.
  init(_ paths: [String], environment: [String: String]) {
    var nodes: [String: ConfigurationNode] = [:]
    for path in paths {
      let variable = "REGPROXY_" + path.uppercased().replacing(".", with: "_")
      guard let value = environment[variable], !value.isEmpty else { continue }
      nodes[path] = ConfigurationNode(file: variable, path: path, node: Node(value))
    }
    self.nodes = nodes
  }

  /// Returns the keys of a section with the overrides applied; without a section, the keys of the document.
  func applied(
    to keys: [String: ConfigurationNode],
    in section: String? = nil
  ) -> [String: ConfigurationNode] {
    var keys = keys
    for (path, node) in nodes {
      let parts = path.split(separator: ".").map(String.init)
      guard parts.dropLast() == (section.map { [$0] } ?? [])[...], let key = parts.last else { continue }
      keys[key] = node
    }
    return keys
  }
}
