/// A manifest as it is served.
package struct ServedManifest: Sendable {
  /// The bytes of a manifest, or the file that contains them where they are many.
  package enum Content: Sendable {
    case bytes([UInt8])
    case file(OpenFile)
  }

  package let digest: Digest
  package let mediaType: MediaType
  /// The size in bytes.
  package let size: Int64
  package let content: Content
}

extension ServedManifest {
  /// Creates a manifest that came from upstream: it is in memory whatever its size.
  init(_ manifest: StoredManifest) {
    self.init(
      digest: manifest.digest,
      mediaType: manifest.mediaType,
      size: Int64(manifest.bytes.count),
      content: .bytes(manifest.bytes)
    )
  }
}
