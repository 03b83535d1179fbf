package import HTTPTypes

/// An answer, decided but not yet carried out.
package struct RegistryResponse: Sendable {
  package enum Body: Sendable {
    case empty
    case bytes([UInt8])
    /// A verified file of the store, which nginx sends.
    case blob(Digest)
    /// Bytes that the worker sends as they come.
    case stream(any BlobSource)
  }

  package var status: Int
  package var headers: HTTPFields
  package var body: Body
  package var record: RequestSummary
  /// The room that the body takes of the memory for large documents: given back when the answer has been sent.
  var reservation: ByteBudget.Reservation?

  package init(
    status: Int,
    headers: HTTPFields = [:],
    body: Body = .empty,
    record: RequestSummary = RequestSummary()
  ) {
    self.status = status
    self.headers = headers
    self.body = body
    self.record = record
  }
}

/// What the log says of a request besides its answer.
package struct RequestSummary: Sendable {
  package var kind = RequestKind.invalid
  package var upstream: UpstreamName?
  package var repository: String?
  package var reference: String?
  package var cache: CacheStatus?
  package var error: String?

  package init() {}
}
