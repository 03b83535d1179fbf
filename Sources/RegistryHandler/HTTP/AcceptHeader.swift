/// What a tag is to a client: registries pick the manifest of one platform for those that take no index.
package enum TagVariant: Hashable, Sendable {
  /// What the tag names, an index as well.
  case any
  /// One manifest.
  case single
  /// Upstream's answer to one set of types, which is named by its digest.
  case exactly(Digest)
}

/// The media types that a client takes: all values of all `Accept` lines, quality ignored, as registries do.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1>
package struct AcceptHeader: Hashable, Sendable {
  private let types: Set<String>

  /// Parses the lines, already joined with commas; `nil` stands for no such header.
  package init(_ value: String?) {
    types = Set(
      (value ?? "").split(separator: ",").compactMap { item in
        let essence = item.prefix { $0 != ";" }.trimmingSpaces.lowercased()
        return MediaType(essence)?.description
      }
    )
  }

  /// Whether the client takes a type. Naming none takes all.
  package func accepts(_ type: MediaType) -> Bool {
    takesAnything || types.contains(type.description)
  }

  private var takesAnything: Bool { types.isEmpty || types.contains("*/*") || types.contains("application/*") }

  /// Which of upstream's answers for a tag the client gets.
  package var variant: TagVariant {
    takesAnything || !types.isDisjoint(with: MediaType.indexTypes.map(\.description)) ? .any : .single
  }

  /// Upstream's answer to the very types that the client takes.
  package var exactVariant: TagVariant? { digest.map(TagVariant.exactly) }

  /// The record that an answer of a type is kept in.
  /// - Parameter current: the type in the record of the client's variant; `nil` when there is none that may be served.
  package func variant(recording type: MediaType, besides current: MediaType?) -> TagVariant {
    // Else clients of one variant that take different types would drive each other's answers out.
    guard accepts(type), current.map(accepts) ?? true else { return exactVariant ?? variant }
    return variant
  }

  /// The digest of what upstream is asked for.
  package var digest: Digest? { Digest(of: Array(upstreamValue.utf8)) }

  /// The value to send upstream, the same for every spelling of the same set.
  ///
  /// Registries do not take a wildcard for every type, so a client that takes anything asks for each by name.
  package var upstreamValue: String {
    let asked = takesAnything ? types.union(MediaType.manifestTypes.map(\.description)) : types
    return asked.sorted().joined(separator: ", ")
  }
}
