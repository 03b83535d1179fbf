/// What is asked once for all who ask for it at the same time.
struct ManifestKey: Hashable, Sendable {
  let place: RepositoryPlace
  let reference: Reference
  let accept: AcceptHeader
  /// Whether the head of the answer is enough.
  let isHead: Bool
}

/// What a question for a manifest came to.
struct ManifestAnswer: Sendable {
  /// What a HEAD tells: all a client needs to decide whether to fetch.
  struct Head: Sendable {
    let digest: Digest
    let mediaType: MediaType
    /// In bytes.
    let size: Int64
  }

  let head: Head
  /// The bytes; `nil` when only the head was asked for.
  let bytes: [UInt8]?
  let status: CacheStatus
  /// One word for `Cache-Status`.
  let detail: String

  init(_ head: Head, _ status: CacheStatus, detail: String) {
    self.head = head
    self.bytes = nil
    self.status = status
    self.detail = detail
  }

  init(_ manifest: StoredManifest, _ status: CacheStatus, detail: String) {
    self.head = Head(digest: manifest.digest, mediaType: manifest.mediaType, size: Int64(manifest.bytes.count))
    self.bytes = manifest.bytes
    self.status = status
    self.detail = detail
  }
}
