package import HTTPTypes

// swift-format-ignore: NeverForceUnwrap
// Each name is a literal that is a valid token.
extension HTTPField.Name {
  /// <https://www.rfc-editor.org/rfc/rfc9211>
  package static let cacheStatus = Self("Cache-Status")!
  package static let dockerContentDigest = Self("Docker-Content-Digest")!
  package static let dockerDistributionAPIVersion = Self("Docker-Distribution-Api-Version")!
  package static let link = Self("Link")!
  package static let ociFiltersApplied = Self("OCI-Filters-Applied")!
  package static let ociNamespace = Self("OCI-Namespace")!
  package static let warning = Self("Warning")!
  package static let xCache = Self("X-Cache")!
}
