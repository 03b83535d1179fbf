/// The kind of a request in logs and metrics.
package enum RequestKind: String, CaseIterable, Sendable {
  case root
  case ping
  case manifest
  case blob
  case tags
  case referrers
  case token
  /// Any write.
  case upload
  /// An endpoint for the operator.
  case status = "operator"
  /// A request that no route matches.
  case invalid
}
