/// A manifest with its bytes.
package struct StoredManifest: Equatable, Sendable {
  package let digest: Digest
  package let mediaType: MediaType
  package let bytes: [UInt8]

  package init(digest: Digest, mediaType: MediaType, bytes: [UInt8]) {
    self.digest = digest
    self.mediaType = mediaType
    self.bytes = bytes
  }
}
