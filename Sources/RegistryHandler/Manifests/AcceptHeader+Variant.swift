extension AcceptHeader {
  /// The variant of a tag that the client gets.
  package var variant: TagVariant { MediaType.indexTypes.contains(where: accepts) ? .any : .single }

  /// Upstream's response to exactly the types that the client accepts.
  package var exactVariant: TagVariant? { digest.map(TagVariant.exactly) }

  /// Returns the variant under which to record a response of a type.
  /// - Parameter current: the type recorded for the client's variant; `nil` if no record may be served.
  package func variant(recording type: MediaType, besides current: MediaType?) -> TagVariant {
    // Otherwise clients of one variant that accept different types would replace each other's responses.
    guard accepts(type), current.map(accepts) ?? true else { return exactVariant ?? variant }
    return variant
  }
}
