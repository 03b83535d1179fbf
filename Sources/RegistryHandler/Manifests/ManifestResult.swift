internal import HTTPTypes

/// The key of requests for a manifest that share one request to upstream.
struct ManifestKey: Hashable, Sendable {
  let repository: UpstreamRepository
  let reference: Reference
  let accept: AcceptHeader
  /// The client's method, GET or HEAD.
  let method: HTTPRequest.Method

  /// The key of upstream's refusal of the same manifest.
  var refusal: RefusalCache.Key {
    RefusalCache.Key(repository: repository, content: .manifest(reference, acceptable: accept.digest))
  }
}

/// The result of a request for a manifest.
struct ManifestResult: Sendable {
  /// The facts that a HEAD gives, by which a client decides whether to fetch.
  struct Head: Sendable {
    let digest: Digest
    let mediaType: MediaType
    /// In bytes.
    let size: Int64
  }

  let head: Head
  /// `nil` for a HEAD.
  let content: ServedManifest.Content?
  let status: CacheStatus
  /// One word for `Cache-Status`.
  let detail: String
  /// The share of the memory for documents that the content takes.
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
