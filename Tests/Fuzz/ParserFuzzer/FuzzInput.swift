/// The bytes of one execution, and what they are checked with.
struct FuzzInput {
  let bytes: [UInt8]

  init(_ start: UnsafePointer<UInt8>?, _ count: Int) {
    bytes = Array(UnsafeBufferPointer(start: start, count: count))
  }

  /// The bytes as text, repaired where they are no UTF-8, as text of headers and parameters is.
  var text: String { String(decoding: bytes, as: UTF8.self) }

  /// The first fields that the bytes hold, one a line; the last one takes the rest, and a missing one is empty.
  func fields(_ count: Int) -> [String] {
    let lines = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: count - 1, omittingEmptySubsequences: false)
    return (0..<count).map { $0 < lines.count ? String(decoding: lines[$0], as: UTF8.self) : "" }
  }

  /// Runs a check; it ends the process where something does not hold.
  /// - Returns: what libFuzzer wants to be told of an execution.
  func check(_ body: (FuzzInput) -> Void) -> Int32 {
    body(self)
    return 0
  }

  /// Ends the process where a property does not hold, with a message that optimised builds print as well.
  func expect(_ holds: Bool, _ property: @autoclosure () -> String) {
    if !holds { fatalError(property()) }
  }

  /// Ends the process where two values differ that have to be the same.
  func expectEqual<Value: Equatable>(_ left: Value, _ right: Value, _ property: @autoclosure () -> String) {
    if left != right { fatalError("\(property()): \(left) is not \(right)") }
  }
}
