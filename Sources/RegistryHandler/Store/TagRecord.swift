/// The last seen state of a tag.
package struct TagRecord: Codable, Equatable, Sendable {
  package var digest: String
  package var mediaType: String
  /// The size of the manifest in bytes.
  package var size: Int64
  /// The time of the last check with upstream, in seconds since 1970.
  package var checkedAt: Int64
  /// The validator that upstream sent; `nil` when it sent none.
  package var etag: String?

  package init(digest: Digest, mediaType: MediaType, size: Int64, checkedAt: Int64, etag: String?) {
    self.digest = digest.description
    self.mediaType = mediaType.description
    self.size = size
    self.checkedAt = checkedAt
    self.etag = etag
  }
}
