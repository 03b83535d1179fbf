/// The format of log lines.
enum LogFormat: String, CaseIterable, Sendable {
  case json
  case text
}
