internal import Logging

/// Writes each event as one line of JSON or text; control bytes never reach the output.
struct LineLogHandler: LogHandler {
  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private let format: LogFormat
  private let output: LogOutput

  init(_ output: LogOutput, format: LogFormat, level: Logger.Level) {
    self.output = output
    self.format = format
    self.logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = metadataProvider?.get() ?? [:]
    if !metadata.isEmpty { fields.merge(metadata) { provided, _ in provided } }
    if fields.isEmpty { fields = event.metadata ?? [:] } else { fields.merge(event.metadata ?? [:]) { $1 } }
    if let error = event.error { fields["error"] = "\(error)" }
    var line = LogLine(event.level, event.message.description, format: format)
    for (key, value) in fields.sorted(by: { $0.key < $1.key }) { line.append(key, value.description) }
    output.write(line.finished())
  }
}
