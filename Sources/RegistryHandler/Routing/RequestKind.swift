/// The kinds of requests, as logs and metrics tell them.
package enum RequestKind: String, CaseIterable, Sendable {
  case root
  case ping
  case manifest
  case blob
  case tags
  case referrers
  case token
  /// Anything that would write.
  case upload
  /// An endpoint for the operator.
  case status = "operator"
  /// What was not understood.
  case invalid
}
