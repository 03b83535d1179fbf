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
    var fields = metadataProvider?.get() ?? [:]
    if !metadata.isEmpty { fields.merge(metadata) { provided, _ in provided } }
    if fields.isEmpty { fields = event.metadata ?? [:] } else { fields.merge(event.metadata ?? [:]) { $1 } }
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
    return String(unsafeUninitializedCapacity: 24) { buffer in
      var end = 0
      let append = { (value: Int, width: Int, separator: Unicode.Scalar) in
        var rest = value
        for index in stride(from: end + width - 1, through: end, by: -1) {
          buffer[index] = UInt8(ascii: "0") + UInt8(rest % 10)
          rest /= 10
        }
        buffer[end + width] = UInt8(ascii: separator)
        end += width + 1
      }
      append(Int(parts.tm_year) + 1900, 4, "-")
      append(Int(parts.tm_mon) + 1, 2, "-")
      append(Int(parts.tm_mday), 2, "T")
      append(Int(parts.tm_hour), 2, ":")
      append(Int(parts.tm_min), 2, ":")
      append(Int(parts.tm_sec), 2, ".")
      append(milliseconds % 1000, 3, "Z")
      return end
    }
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
