internal import FoundationEssentials

/// The digests that a manifest or an index names.
/// <https://github.com/opencontainers/image-spec/blob/v1.1.0/manifest.md>,
/// <https://github.com/opencontainers/image-spec/blob/v1.1.0/image-index.md>
package struct ManifestContents: Equatable, Sendable {
  /// The configuration and the layers.
  package let blobs: [Digest]
  /// The manifests of an index.
  package let manifests: [Digest]

  private struct Document: Decodable {
    let config: Descriptor?
    let layers: [Descriptor]?
    let manifests: [Descriptor]?
    /// The content of an artifact.
    let blobs: [Descriptor]?
    /// The layers in a manifest of schema 1.
    let fsLayers: [Descriptor]?
  }

  private struct Descriptor: Decodable {
    let digest: String?
    let blobSum: String?

    var parsed: Digest? { (digest ?? blobSum).flatMap { Digest($0) } }
  }

  /// Parses a manifest, without names that are not digests; returns `nil` when the bytes are not a manifest.
  package init?(_ json: [UInt8]) {
    guard let document = try? JSONDecoder().decode(Document.self, from: Data(json)) else { return nil }
    let config = document.config.map { [$0] } ?? []
    blobs = (config + (document.layers ?? []) + (document.blobs ?? []) + (document.fsLayers ?? []))
      .compactMap(\.parsed)
    manifests = (document.manifests ?? []).compactMap(\.parsed)
  }
}
