package import HTTPTypes

/// A response, decided but not yet carried out.
package struct RegistryResponse: Sendable {
  package enum Body: Sendable {
    case empty
    case bytes([UInt8])
    /// A verified file of the store, sent by nginx.
    case blob(Digest)
    /// Bytes that the worker sends as they arrive.
    case stream(any BlobSource)
  }

  package var status: Int
  package var headers: HTTPFields
  package var body: Body
  /// The part that the cache took in the response, where it took any.
  package private(set) var cacheStatus: CacheStatus?
  /// Indicates whether the store alone decided the response, which any client of the repository gets.
  package var isRepeatable = false
  /// The message of an error, for the log.
  package var errorMessage: String?
  /// The description for log and counters, made once the response is decided.
  package var summary = RequestSummary()
  /// The share of the memory for large documents that the body takes, released when the response has been sent.
  package var reservation: ByteBudget.Reservation?
  /// The share of the worker's requests, released when the response has been sent.
  package var share: ShareLimit<RequestParty>.Lease?

  package init(status: Int, headers: HTTPFields = [:], body: Body = .empty) {
    self.status = status
    self.headers = headers
    self.body = body
  }

  /// Indicates whether the response keeps a file open, or a download going.
  package var holdsFile: Bool { if case .stream = body { true } else { false } }

  /// Sets the part that the cache took, in the headers and for the log.
  /// - Parameter detail: one word for `Cache-Status`.
  package mutating func setCacheStatus(_ status: CacheStatus, detail: String) {
    headers.append(HTTPField(name: .cacheStatus, value: status.headerValue(detail: detail)))
    headers.append(HTTPField(name: .xCache, value: status.rawValue))
    cacheStatus = status
  }
}
