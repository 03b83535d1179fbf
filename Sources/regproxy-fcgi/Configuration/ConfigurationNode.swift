internal import RegistryHandler
internal import Yams

/// A part of the YAML document that knows its place, so that every complaint can name it.
struct ConfigurationNode {
  let file: String
  /// `upstreams.docker.io.auth`; empty for the document.
  let path: String
  let node: Node

  /// The children of a mapping; a key that is not among the known ones is an error, as is one that stands twice.
  func children(known keys: Set<String>) throws(ConfigurationError) -> [String: ConfigurationNode] {
    let children = try children()
    for (key, child) in children.sorted(by: { $0.value.line ?? 0 < $1.value.line ?? 0 }) where !keys.contains(key) {
      let place = path.isEmpty ? "" : " in '\(path)'"
      throw child.error("unknown key '\(key)'\(place); known are \(keys.sorted().joined(separator: ", "))")
    }
    return children
  }

  /// The children of a mapping, whatever their keys.
  func children() throws(ConfigurationError) -> [String: ConfigurationNode] {
    if case .scalar(let scalar) = node, scalar.string.isEmpty { return [:] }
    guard case .mapping(let mapping) = node else { throw error("'\(path)' must be a mapping of keys to values") }
    var children: [String: ConfigurationNode] = [:]
    for (key, value) in mapping {
      guard let name = key.string else { throw error("a key in '\(path)' is no plain text") }
      children[name] = ConfigurationNode(file: file, path: path.isEmpty ? name : "\(path).\(name)", node: value)
    }
    return children
  }

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

  /// A value made of the text, or a complaint that says what is expected.
  func value<Value>(_ expected: String, _ make: (String) -> Value?) throws(ConfigurationError) -> Value {
    let text = try string()
    guard let value = make(text) else { throw error("'\(path)' is '\(text)', but must be \(expected)") }
    return value
  }

  /// A list of values made of the texts.
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

  /// A size in bytes.
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

extension Duration {
  /// Parses `90s`, `1h30m`, `7d`: numbers with units, the larger first or not, at least one.
  init?(configuration text: String) {
    let units: [Character: Int64] = ["s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800, "y": 31_536_000]
    var total: Int64 = 0
    var digits = ""
    var isEmpty = true
    for character in text {
      if character.isASCII, character.isNumber {
        digits.append(character)
      } else {
        guard let unit = units[character], let number = Int64(digits), number < 1_000_000 else { return nil }
        total += number * unit
        digits = ""
        isEmpty = false
      }
    }
    guard digits.isEmpty, !isEmpty else { return nil }
    self = .seconds(total)
  }
}

extension Int64 {
  /// More than any disk has, so that sums of sizes stay numbers. In bytes.
  private static let maximumConfigurationSize: Int64 = 1 << 60

  /// Parses `500MB`, `100GB`, `2TiB`: a whole number with a unit, of thousands or of 1024. In bytes.
  init?(configurationSize text: String) {
    let units: [String: Int64] = [
      "B": 1, "KB": 1_000, "MB": 1_000_000, "GB": 1_000_000_000, "TB": 1_000_000_000_000,
      "KiB": 1 << 10, "MiB": 1 << 20, "GiB": 1 << 30, "TiB": 1 << 40,
    ]
    let digits = text.prefix { $0.isASCII && $0.isNumber }
    guard let number = Int64(digits), number > 0, let unit = units[String(text.dropFirst(digits.count))] else {
      return nil
    }
    let (bytes, overflows) = number.multipliedReportingOverflow(by: unit)
    guard !overflows, bytes <= Self.maximumConfigurationSize else { return nil }
    self = bytes
  }
}
