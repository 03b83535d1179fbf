/// An invalid configuration: its place and the remedy.
struct ConfigurationError: Error, Equatable, CustomStringConvertible {
  let file: String
  /// The number of the line, counted from 1; `nil` if no single line is at fault.
  let line: Int?
  let message: String

  var description: String { "\(file)\(line.map { ":\($0)" } ?? ""): \(message)" }
}
