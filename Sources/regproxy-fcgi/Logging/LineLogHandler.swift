internal import FoundationEssentials
internal import Glibc
internal import Logging

/// Writes one line an event, as JSON or as text; control bytes never reach the output.
struct LineLogHandler: LogHandler {
  enum Format: String, CaseIterable, Sendable {
    case json
    case text
  }

  var logLevel: Logger.Level
  var metadata: Logger.Metadata = [:]
  var metadataProvider: Logger.MetadataProvider?
  private let format: Format
  private let output: LogOutput

  init(_ output: LogOutput, format: Format, level: Logger.Level) {
    self.output = output
    self.format = format
    self.logLevel = level
  }

  subscript(metadataKey key: String) -> Logger.Metadata.Value? {
    get { metadata[key] }
    set { metadata[key] = newValue }
  }

  func log(event: LogEvent) {
    var fields = metadata
    if let provided = metadataProvider?.get() { fields.merge(provided) { $1 } }
    if let own = event.metadata { fields.merge(own) { $1 } }
    if let error = event.error { fields["error"] = "\(error)" }
    output.write(line(event, fields))
  }

  private func line(_ event: LogEvent, _ fields: Logger.Metadata) -> String {
    var line = ""
    line.reserveCapacity(512)
    switch format {
    case .json:
      line += "{\"timestamp\":\"\(Self.timestamp())\",\"level\":\"\(event.level.rawValue)\",\"message\":"
      line.appendJSONString(event.message.description)
      for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
        line += ","
        line.appendJSONString(key)
        line += ":"
        line.appendJSONString(value.description)
      }
      line += "}\n"
    case .text:
      line += "\(Self.timestamp()) \(event.level.rawValue) \(event.message.description)"
      for (key, value) in fields.sorted(by: { $0.key < $1.key }) {
        line += " \(key)="
        line.appendJSONString(value.description)
      }
      line += "\n"
    }
    return line
  }

  /// UTC with milliseconds. <https://www.rfc-editor.org/rfc/rfc3339>
  private static func timestamp() -> String {
    let milliseconds = Int(Date().timeIntervalSince1970 * 1000)
    var seconds = milliseconds / 1000
    var parts = tm()
    gmtime_r(&seconds, &parts)
    let padded = { (value: Int, width: Int) in
      let digits = String(value)
      return String(repeating: "0", count: max(0, width - digits.utf8.count)) + digits
    }
    let date = "\(Int(parts.tm_year) + 1900)-\(padded(Int(parts.tm_mon) + 1, 2))-\(padded(Int(parts.tm_mday), 2))"
    let time = "\(padded(Int(parts.tm_hour), 2)):\(padded(Int(parts.tm_min), 2)):\(padded(Int(parts.tm_sec), 2))"
    return "\(date)T\(time).\(padded(milliseconds % 1000, 3))Z"
  }
}

extension String {
  /// Appends a JSON string literal. <https://www.rfc-editor.org/rfc/rfc8259#section-7>
  fileprivate mutating func appendJSONString(_ text: String) {
    append("\"")
    if text.utf8.allSatisfy({ $0 >= 0x20 && $0 < 0x7F && $0 != UInt8(ascii: "\"") && $0 != UInt8(ascii: "\\") }) {
      append(text)
    } else {
      for scalar in text.unicodeScalars {
        switch scalar {
        case "\"": append("\\\"")
        case "\\": append("\\\\")
        case "\n": append("\\n")
        case _ where scalar.value < 0x20 || scalar.value == 0x7F:
          let hex = String(scalar.value, radix: 16)
          append("\\u" + String(repeating: "0", count: 4 - hex.utf8.count) + hex)
        default: unicodeScalars.append(scalar)
        }
      }
    }
    append("\"")
  }
}
