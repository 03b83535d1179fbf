/// The way in which upstream was asked for content, which decides who may have it.
package enum AccessMode: String, CaseIterable, Hashable, Sendable {
  /// Without an account: the content is public.
  case anonymous
  /// With the account of the operator: every client of this proxy may have it.
  case service
}
