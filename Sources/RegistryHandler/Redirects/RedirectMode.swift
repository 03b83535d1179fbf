/// The policy for redirects to storage hosts: the values of `external_redirects`.
package enum RedirectMode: String, CaseIterable, Sendable {
  /// The client gets the redirect and follows it itself.
  case passThrough = "passthrough"
  /// The worker follows the redirect and stores the blob.
  case follow
}
