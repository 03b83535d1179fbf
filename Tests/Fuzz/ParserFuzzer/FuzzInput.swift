/// The bytes of one execution, with the checks for them.
struct FuzzInput {
  let bytes: [UInt8]

  init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    bytes = Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// The bytes as text with invalid UTF-8 repaired, as in headers and parameters.
  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// Returns the first fields of the bytes, one a line; the last field has the rest, and a missing one is empty.
  func fields(_ count: Int) -> [String] {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: count - 1, omittingEmptySubsequences: false)
    return (0..<count).map { $0 < lines.count ? String(decoding: lines[$0], as: UTF8.self) : "" }
  }

  /// Runs a check, which ends the process if a property does not hold.
  /// - Returns: the result that libFuzzer expects of an execution.
  func check(_ body: (FuzzInput) -> Void) -> Int32 {
    body(self)
    return 0
  }

  /// Ends the process if a property does not hold, with a message that optimised builds print too.
  func expect(_ holds: Bool, _ property: @autoclosure () -> String) {
    if !holds { fatalError(property()) }
  }

  /// Ends the process if two values differ.
  func expectEqual<Value: Equatable>(_ left: Value, _ right: Value, _ property: @autoclosure () -> String) {
    if left != right { fatalError("\(property()): \(left) is not \(right)") }
  }
}
