/// The shape of a manifest: one JSON object with a schema version, as every manifest and index has.
/// <https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md>, <https://www.rfc-editor.org/rfc/rfc8259>
///
/// Parsed in one pass in constant memory: a general parser needs twenty times its input, whose size upstream chooses.
struct ManifestDocument: Equatable, Sendable {
  /// True if `schemaVersion` is an integer.
  let hasSchemaVersion: Bool

  /// Parses the bytes; `nil` unless they are one JSON object.
  init?(_ bytes: [UInt8]) {
    let document = bytes.withUnsafeBytes { buffer -> ManifestDocument? in
      var scanner = JSONScanner(buffer)
      guard buffer.first == UInt8(ascii: "{"), scanner.scan() else { return nil }
      return ManifestDocument(hasSchemaVersion: scanner.hasSchemaVersion)
    }
    guard let document else { return nil }
    self = document
  }

  private init(hasSchemaVersion: Bool) { self.hasSchemaVersion = hasSchemaVersion }
}

/// A scanner of JSON text.
private struct JSONScanner {
  /// The deepest nesting: more than any manifest has.
  private static let maximumDepth = 512

  private enum Container: UInt8 {
    case object = 0x7B
    case array = 0x5B

    /// The closing bracket.
    var end: UInt8 { rawValue + 2 }
  }

  private let bytes: UnsafeRawBufferPointer
  private var position = 0
  private var containers: [Container] = []
  /// True after the outermost name `schemaVersion`.
  private var isAtSchemaVersion = false
  private(set) var hasSchemaVersion = false

  init(_ bytes: UnsafeRawBufferPointer) { self.bytes = bytes }

  /// Returns whether the bytes are one value.
  mutating func scan() -> Bool {
    repeat {
      guard scanToEndOfValue(), skipEnds() else { return false }
    } while !containers.isEmpty
    return position == bytes.count
  }

  /// Scans up to the end of the next value that is not a container, or of an empty container.
  private mutating func scanToEndOfValue() -> Bool {
    while true {
      skipWhitespace()
      guard let byte = peek else { return false }
      guard let container = Container(rawValue: byte) else { return scanScalar(byte) }
      guard containers.count < Self.maximumDepth else { return false }
      position += 1
      containers.append(container)
      skipWhitespace()
      if peek == container.end { return true }
      if container == .object, !scanName() { return false }
    }
  }

  /// Scans the ends of containers behind a value, and the comma before the next one.
  private mutating func skipEnds() -> Bool {
    skipWhitespace()
    while let container = containers.last {
      if skip(container.end) {
        containers.removeLast()
        skipWhitespace()
      } else {
        return skip(UInt8(ascii: ",")) && (container == .array || scanName())
      }
    }
    return true
  }

  /// Scans the name of a member, and the colon.
  private mutating func scanName() -> Bool {
    skipWhitespace()
    let start = position
    guard skip(UInt8(ascii: "\"")), scanString() else { return false }
    let name = UnsafeRawBufferPointer(rebasing: bytes[start..<position])
    isAtSchemaVersion = containers.count == 1 && name.elementsEqual(#""schemaVersion""#.utf8)
    skipWhitespace()
    return skip(UInt8(ascii: ":"))
  }

  private mutating func scanScalar(_ first: UInt8) -> Bool {
    switch first {
    case UInt8(ascii: "\""):
      position += 1
      return scanString()
    case UInt8(ascii: "t"): return skip("true")
    case UInt8(ascii: "f"): return skip("false")
    case UInt8(ascii: "n"): return skip("null")
    default: return scanNumber()
    }
  }

  /// Scans the rest of a string behind its first quotation mark.
  private mutating func scanString() -> Bool {
    while let byte = peek {
      position += 1
      switch byte {
      case UInt8(ascii: "\""): return true
      case UInt8(ascii: "\\"): guard scanEscape() else { return false }
      case 0..<0x20: return false
      default: break
      }
    }
    return false
  }

  private mutating func scanEscape() -> Bool {
    guard let byte = peek else { return false }
    position += 1
    guard byte == UInt8(ascii: "u") else { return #""\/bfnrt"#.utf8.contains(byte) }
    guard bytes.count - position >= 4, bytes[position..<(position + 4)].allSatisfy({ $0.hexDigitValue != nil }) else {
      return false
    }
    position += 4
    return true
  }

  private mutating func scanNumber() -> Bool {
    _ = skip(UInt8(ascii: "-"))
    guard skip(UInt8(ascii: "0")) || skipDigits() else { return false }
    var isInteger = true
    if skip(UInt8(ascii: ".")) {
      isInteger = false
      guard skipDigits() else { return false }
    }
    if skip(UInt8(ascii: "e")) || skip(UInt8(ascii: "E")) {
      isInteger = false
      _ = skip(UInt8(ascii: "+")) || skip(UInt8(ascii: "-"))
      guard skipDigits() else { return false }
    }
    if isAtSchemaVersion, containers.count == 1, isInteger { hasSchemaVersion = true }
    return true
  }

  // MARK: - Bytes

  private var peek: UInt8? { position < bytes.count ? bytes[position] : nil }

  private mutating func skip(_ byte: UInt8) -> Bool {
    guard peek == byte else { return false }
    position += 1
    return true
  }

  private mutating func skip(_ word: StaticString) -> Bool {
    let end = position + word.utf8CodeUnitCount
    guard end <= bytes.count, word.withUTF8Buffer({ bytes[position..<end].elementsEqual($0) }) else { return false }
    position = end
    return true
  }

  /// Skips at least one digit.
  private mutating func skipDigits() -> Bool {
    let start = position
    while let byte = peek, byte.isDigit { position += 1 }
    return position > start
  }

  private mutating func skipWhitespace() {
    while let byte = peek, byte == 0x20 || byte == 0x0A || byte == 0x0D || byte == 0x09 { position += 1 }
  }
}
