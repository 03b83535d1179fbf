/// A media type without its parameters, in lower case, such as `application/vnd.oci.image.manifest.v1+json`.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1>
package struct MediaType: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// Parses the value of a `Content-Type`; parameters are dropped, as clients compare the type alone.
  package init?(_ text: some StringProtocol) {
    let essence = text.prefix { $0 != ";" }
    let trimmed = essence.trimmingSpaces.lowercased()
    let parts = trimmed.utf8.split(separator: UInt8(ascii: "/"), omittingEmptySubsequences: false)
    guard parts.count == 2, parts.allSatisfy({ !$0.isEmpty && $0.allSatisfy(\.isTokenCharacter) }),
      trimmed.utf8.count <= 255
    else { return nil }
    self.description = trimmed
  }

  /// What a blob is served as when nobody said what it is.
  package static let octetStream = MediaType(known: "application/octet-stream")

  private init(known text: String) { self.description = text }

  /// Whether the type can be that of a manifest or an index: `application/...json`.
  package var isManifest: Bool {
    description.hasPrefix("application/") && description.hasSuffix("json") && description != "application/problem+json"
  }

  /// The types of manifests and indexes that are asked for on behalf of a client that names none.
  package static let manifestTypes = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
  ].map(MediaType.init(known:))
}

extension StringProtocol {
  /// The text without the spaces and tabs round it.
  package var trimmingSpaces: SubSequence {
    var result = self[...]
    while let first = result.first, first == " " || first == "\t" { result = result.dropFirst() }
    while let last = result.last, last == " " || last == "\t" { result = result.dropLast() }
    return result
  }
}
