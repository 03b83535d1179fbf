internal import RegistryHandler
internal import Yams

/// A part of the YAML document with its path, so that every error can name the place.
struct ConfigurationNode {
  let file: String
  /// The keys down to the node, such as `upstreams.docker.io.auth`; empty for the document.
  let path: String
  let node: Node

  /// Returns the children of a mapping; an unknown key is an error, as is a duplicate one.
  func children(known keys: Set<String>) throws(ConfigurationError) -> [String: ConfigurationNode] {
    let children = try children()
    for (key, child) in children.sorted(by: { $0.value.line ?? 0 < $1.value.line ?? 0 }) where !keys.contains(key) {
      let place = path.isEmpty ? "" : " in '\(path)'"
      throw child.error("unknown key '\(key)'\(place); known keys: \(keys.sorted().joined(separator: ", "))")
    }
    return children
  }

  /// Returns the children of a mapping with any keys.
  func children() throws(ConfigurationError) -> [String: ConfigurationNode] {
    if case .scalar(let scalar) = node, scalar.string.isEmpty { return [:] }
    guard case .mapping(let mapping) = node else { throw error("'\(path)' must be a mapping of keys to values") }
    var children: [String: ConfigurationNode] = [:]
    for (key, value) in mapping {
      guard let name = key.string else { throw error("a key in '\(path)' is not plain text") }
      children[name] = ConfigurationNode(file: file, path: path.isEmpty ? name : "\(path).\(name)", node: value)
    }
    return children
  }

  var isList: Bool { if case .sequence = node { true } else { false } }

  func string() throws(ConfigurationError) -> String {
    guard case .scalar(let scalar) = node else { throw error("'\(path)' must be a single value") }
    guard !scalar.string.isEmpty else { throw error("'\(path)' has no value") }
    return scalar.string
  }

  func strings() throws(ConfigurationError) -> [String] {
    guard case .sequence(let sequence) = node else { throw error("'\(path)' must be a list: [a, b]") }
    var strings: [String] = []
    for item in sequence { strings.append(try ConfigurationNode(file: file, path: path, node: item).string()) }
    return strings
  }

  /// Returns a value made from the text; the error for a bad text says what is expected.
  func value<Value>(_ expected: String, _ make: (String) -> Value?) throws(ConfigurationError) -> Value {
    let text = try string()
    guard let value = make(text) else { throw error("'\(path)' is '\(text)', but must be \(expected)") }
    return value
  }

  /// Returns a list of values made from the texts.
  func values<Value>(_ expected: String, _ make: (String) -> Value?) throws(ConfigurationError) -> [Value] {
    var values: [Value] = []
    for text in try strings() {
      guard let value = make(text) else { throw error("'\(path)' has '\(text)', but must hold \(expected)") }
      values.append(value)
    }
    return values
  }

  func bool() throws(ConfigurationError) -> Bool {
    try value("true or false") { ["true": true, "false": false][$0] }
  }

  func int(_ range: ClosedRange<Int>) throws(ConfigurationError) -> Int {
    try value("a number from \(range.lowerBound) to \(range.upperBound)") { text in
      Int(text).flatMap { range.contains($0) ? $0 : nil }
    }
  }

  func duration() throws(ConfigurationError) -> Duration {
    try value("a duration such as 90s, 5m, 1h30m, 7d, 4w or 1y") { Duration(configuration: $0) }
  }

  /// Returns a size in bytes.
  func size() throws(ConfigurationError) -> Int64 {
    try value("a size such as 500MB, 100GB or 2TiB") { Int64(configurationSize: $0) }
  }

  func oneOf<Value: RawRepresentable<String> & CaseIterable>(_: Value.Type) throws(ConfigurationError) -> Value {
    try value("one of \(Value.allCases.map(\.rawValue).joined(separator: ", "))") { Value(rawValue: $0) }
  }

  func error(_ message: String) -> ConfigurationError {
    ConfigurationError(file: file, line: line, message: message)
  }

  private var line: Int? { node.mark?.line }
}
