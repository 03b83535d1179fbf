/// The form of a tag that a client gets: registries select one platform's manifest for clients that accept no index.
package enum TagVariant: Hashable, Sendable {
  /// The manifest or index that the tag names.
  case any
  /// A single manifest.
  case single
  /// Upstream's response to one set of media types, which the digest identifies.
  case exactly(Digest)
}
