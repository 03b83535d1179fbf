internal import HTTPTypes

/// What is asked once for all who ask for it at the same time.
struct ManifestKey: Hashable, Sendable {
  let repository: UpstreamRepository
  let reference: Reference
  let accept: AcceptHeader
  /// Whether the head of the answer is enough.
  let isHead: Bool

  var method: HTTPRequest.Method { isHead ? .head : .get }

  /// What upstream may refuse.
  var refusal: RefusalCache.Key {
    RefusalCache.Key(repository: repository, content: .manifest(reference, acceptable: accept.digest))
  }
}

/// What a question for a manifest came to.
struct ManifestResult: Sendable {
  /// What a HEAD tells: all a client needs to decide whether to fetch.
  struct Head: Sendable {
    let digest: Digest
    let mediaType: MediaType
    /// In bytes.
    let size: Int64
  }

  let head: Head
  /// `nil` when only the head was asked for.
  let content: ServedManifest.Content?
  let status: CacheStatus
  /// One word for `Cache-Status`.
  let detail: String
  /// Of bytes that are in memory although they are many.
  let reservation: ByteBudget.Reservation?

  init(_ head: Head, _ status: CacheStatus, detail: String) {
    self.head = head
    self.content = nil
    self.status = status
    self.detail = detail
    self.reservation = nil
  }

  init(
    _ manifest: ServedManifest,
    _ status: CacheStatus,
    detail: String,
    holding reservation: ByteBudget.Reservation? = nil
  ) {
    self.head = Head(digest: manifest.digest, mediaType: manifest.mediaType, size: manifest.size)
    self.content = manifest.content
    self.status = status
    self.detail = detail
    if case .bytes = manifest.content { self.reservation = reservation } else { self.reservation = nil }
  }
}
