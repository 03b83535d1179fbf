/// A media type without its parameters, in lower case, such as `application/vnd.oci.image.manifest.v1+json`.
/// <https://www.rfc-editor.org/rfc/rfc9110#section-8.3.1>
package struct MediaType: Hashable, Sendable, CustomStringConvertible {
  package let description: String

  /// Parses the value of a `Content-Type` without its parameters, as clients compare the type alone.
  package init?(_ text: some StringProtocol) {
    if Self.isCanonical(text.utf8) {
      self.description = String(text)
      return
    }
    let essence = text.prefix { $0 != ";" }.trimmingSpaces.lowercased()
    guard Self.isCanonical(essence.utf8) else { return nil }
    self.description = essence
  }

  /// Returns whether bytes are a type in canonical form, the one that nearly all senders write.
  private static func isCanonical(_ bytes: some Collection<UInt8>) -> Bool {
    var (length, slash) = (0, 0)
    for byte in bytes {
      length += 1
      if byte == UInt8(ascii: "/") {
        guard slash == 0, length > 1 else { return false }
        slash = length
      } else {
        guard byte.isTokenCharacter, !byte.isUppercaseLetter else { return false }
      }
    }
    return slash > 0 && length > slash && length <= 255
  }

  /// The type of a blob whose type is unknown.
  package static let octetStream = MediaType(known: "application/octet-stream")

  private init(known text: String) { self.description = text }

  /// True if the type can be that of a manifest or an index: `application/...json`.
  package var isManifest: Bool {
    description.hasPrefix("application/") && description.hasSuffix("json") && description != "application/problem+json"
  }

  /// The types of indexes, which list a manifest for each platform.
  package static let indexTypes = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
  ].map(MediaType.init(known:))

  /// The types of manifests and indexes to request for a client that names none.
  package static let manifestTypes = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.docker.distribution.manifest.v2+json",
  ].map(MediaType.init(known:))
}
