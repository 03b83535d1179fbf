/// The text exposition format of Prometheus. <https://prometheus.io/docs/instrumenting/exposition_formats/>
struct PrometheusText: Sendable {
  enum MetricType: String, Sendable {
    case counter
    case gauge
  }

  /// One sample of a metric.
  struct Sample: Sendable {
    /// The labels in the order in which they are written; their values come from closed sets.
    var labels: [(name: String, value: String)] = []
    var value: String

    init(_ value: some BinaryInteger, labels: [(name: String, value: String)] = []) {
      self.value = "\(value)"
      self.labels = labels
    }
  }

  static let contentType = "text/plain; version=0.0.4; charset=utf-8"

  private(set) var text = ""

  /// Appends a metric; its samples are written in the order of their text.
  mutating func append(_ name: String, _ type: MetricType, _ help: String, _ samples: [Sample]) {
    text += "# HELP \(name) \(help)\n# TYPE \(name) \(type.rawValue)\n"
    text += samples.map { "\(name)\(Self.text(of: $0.labels)) \($0.value)\n" }.sorted().joined()
  }

  mutating func append(_ name: String, _ type: MetricType, _ help: String, _ value: some BinaryInteger) {
    append(name, type, help, [Sample(value)])
  }

  private static func text(of labels: [(name: String, value: String)]) -> String {
    labels.isEmpty ? "" : "{\(labels.map { "\($0.name)=\"\($0.value)\"" }.joined(separator: ","))}"
  }
}
