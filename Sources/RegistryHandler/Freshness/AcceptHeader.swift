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
    types.isEmpty || types.contains(type.description) || types.contains("*/*") || types.contains("application/*")
  }

  /// The value to send upstream, the same for every spelling of the same set.
  package var upstreamValue: String {
    let asked = types.isEmpty ? MediaType.manifestTypes.map(\.description) : types.sorted()
    return asked.joined(separator: ", ")
  }
}
