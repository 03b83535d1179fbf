/// The media types that a client accepts: all values of all `Accept` lines, quality ignored, as registries do.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-12.5.1>
package struct AcceptHeader: Hashable, Sendable {
  private let types: Set<String>

  /// Parses the lines, already joined with commas; `nil` stands for an absent header.
  package init(_ value: String?) {
    types = Set(
      (value ?? "").split(separator: ",").compactMap { item in
        let essence = item.prefix { $0 != ";" }.trimmingSpaces.lowercased()
        return MediaType(essence)?.description
      }
    )
  }

  /// Returns whether the client accepts a type. A header that names no type accepts all.
  package func accepts(_ type: MediaType) -> Bool { acceptsAnything || types.contains(type.description) }

  private var acceptsAnything: Bool { types.isEmpty || types.contains("*/*") || types.contains("application/*") }

  /// The digest of ``upstreamValue``.
  package var digest: Digest? { Digest(of: Array(upstreamValue.utf8)) }

  /// The value to send upstream, equal for every spelling of the same set.
  ///
  /// Registries do not treat a wildcard as every type, so for a client that accepts anything each type is named.
  package var upstreamValue: String {
    let named = acceptsAnything ? types.union(MediaType.manifestTypes.map(\.description)) : types
    return named.sorted().joined(separator: ", ")
  }
}
