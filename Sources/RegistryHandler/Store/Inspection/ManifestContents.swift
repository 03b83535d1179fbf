internal import FoundationEssentials

/// What a manifest or an index names.
/// <https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md>,
/// <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md>
package struct ManifestContents: Equatable, Sendable {
  /// Configuration and layers.
  package let blobs: [Digest]
  /// The manifests of an index.
  package let manifests: [Digest]

  private struct Document: Decodable {
    let config: Descriptor?
    let layers: [Descriptor]?
    let manifests: [Descriptor]?
    /// Of an artifact.
    let blobs: [Descriptor]?
    /// Of the first schema.
    let fsLayers: [Descriptor]?
  }

  private struct Descriptor: Decodable {
    let digest: String?
    let blobSum: String?

    var parsed: Digest? { (digest ?? blobSum).flatMap { Digest($0) } }
  }

  /// Names that are no digests are left out; `nil` where the bytes are no manifest at all.
  package init?(_ json: [UInt8]) {
    guard let document = try? JSONDecoder().decode(Document.self, from: Data(json)) else { return nil }
    let config = document.config.map { [$0] } ?? []
    blobs = (config + (document.layers ?? []) + (document.blobs ?? []) + (document.fsLayers ?? []))
      .compactMap(\.parsed)
    manifests = (document.manifests ?? []).compactMap(\.parsed)
  }
}
