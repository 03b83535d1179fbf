internal import Glibc
internal import Logging

/// One log line, built from front to back: time, level, message, then any number of fields.
struct LogLine {
  /// The initial capacity, longer than nearly every line, in bytes.
  private static let initialCapacity = 640

  private var bytes: [UInt8] = []
  private let format: LogFormat

  init(_ level: Logger.Level, _ message: String, format: LogFormat) {
    self.format = format
    bytes.reserveCapacity(Self.initialCapacity)
    switch format {
    case .json:
      put("{\"timestamp\":\"")
      putTime()
      put("\",\"level\":\"")
      bytes.append(contentsOf: level.rawValue.utf8)
      put("\",\"message\":")
      putString(message)
    case .text:
      putTime()
      put(" ")
      bytes.append(contentsOf: level.rawValue.utf8)
      put(" ")
      bytes.append(contentsOf: message.utf8)
    }
  }

  /// Appends a field, its value quoted as in JSON. <https://www.rfc-editor.org/rfc/rfc8259#section-7>
  mutating func append(_ name: String, _ value: String) {
    switch format {
    case .json:
      put(",")
      putString(name)
      put(":")
    case .text:
      put(" ")
      bytes.append(contentsOf: name.utf8)
      put("=")
    }
    putString(value)
  }

  /// Returns the complete line, ended by a newline.
  consuming func finished() -> [UInt8] {
    if format == .json { put("}") }
    put("\n")
    return bytes
  }

  private mutating func put(_ text: StaticString) {
    text.withUTF8Buffer { bytes.append(contentsOf: $0) }
  }

  private mutating func putString(_ text: String) {
    put("\"")
    var text = text
    text.withUTF8 { text in
      if text.allSatisfy(Self.needsNoEscape) {
        bytes.append(contentsOf: text)
      } else {
        for byte in text { putEscaped(byte) }
      }
    }
    put("\"")
  }

  private static func needsNoEscape(_ byte: UInt8) -> Bool {
    byte >= 0x20 && byte != 0x7F && byte != UInt8(ascii: "\"") && byte != UInt8(ascii: "\\")
  }

  private mutating func putEscaped(_ byte: UInt8) {
    switch byte {
    case UInt8(ascii: "\""): put("\\\"")
    case UInt8(ascii: "\\"): put("\\\\")
    case UInt8(ascii: "\n"): put("\\n")
    case _ where !Self.needsNoEscape(byte):
      let digits: StaticString = "0123456789abcdef"
      put("\\u00")
      digits.withUTF8Buffer { bytes += [$0[Int(byte >> 4)], $0[Int(byte & 15)]] }
    default: bytes.append(byte)
    }
  }

  /// Appends the current time in UTC, with milliseconds. <https://www.rfc-editor.org/rfc/rfc3339>
  private mutating func putTime() {
    // Laid out like `struct timespec`: seconds, then nanoseconds.
    var now = (seconds: 0, nanoseconds: 0)
    withUnsafeMutableBytes(of: &now) { buffer in
      _ = buffer.baseAddress.map { clock_gettime(CLOCK_REALTIME, $0.assumingMemoryBound(to: timespec.self)) }
    }
    var parts = tm()
    gmtime_r(&now.seconds, &parts)
    putNumber(Int(parts.tm_year) + 1900, 4, "-")
    putNumber(Int(parts.tm_mon) + 1, 2, "-")
    putNumber(Int(parts.tm_mday), 2, "T")
    putNumber(Int(parts.tm_hour), 2, ":")
    putNumber(Int(parts.tm_min), 2, ":")
    putNumber(Int(parts.tm_sec), 2, ".")
    putNumber(now.nanoseconds / 1_000_000, 3, "Z")
  }

  private mutating func putNumber(_ value: Int, _ width: Int, _ separator: StaticString) {
    var divisor = 1
    for _ in 1..<width { divisor *= 10 }
    while divisor > 0 {
      bytes.append(UInt8(ascii: "0") + UInt8(value / divisor % 10))
      divisor /= 10
    }
    put(separator)
  }
}
