/// The bounds of `requests:`.
struct RequestBounds: Equatable, Sendable {
  /// The most requests at once, where the process has enough descriptors.
  var max: Int
  /// The percentage of them that one client, upstream or blob may have.
  var maxShare: Int
}
