package import HTTPTypes

/// An HTTP client for registries. It follows no redirect, decodes no content and keeps no cookie.
package protocol UpstreamClient: Sendable {
  /// Sends the request and returns once the head of the response has arrived; the body follows as it arrives.
  ///
  /// Throws an error of kind `.unreachable`, `.timeout` or `.cancelled`, and of kind `.invalidResponse` when the host
  /// has no address that the request may go to.
  func execute(_ request: UpstreamRequest) async throws(UpstreamError) -> UpstreamResponse
}

/// The amount of a response's body that is read at a time.
package enum ReceiveBuffer: Hashable, Sendable {
  /// Enough to make a download cheap.
  case large
  /// Little, for a client that may be slow together with a thousand others.
  case small
}

/// A request to an upstream.
package struct UpstreamRequest: Sendable {
  package var method: HTTPRequest.Method
  package var url: HTTPURL
  package var headers: HTTPFields
  /// A file of PEM certificates to trust besides the system's.
  package var caFile: String?
  /// The addresses that the host may have: the rule against SSRF. A proxy that resolves the host applies rules of its own.
  package var addresses: AddressRule
  /// The proxy through which the host is reached.
  package var proxy: ForwardProxy?
  package var receiveBuffer = ReceiveBuffer.large

  package init(
    method: HTTPRequest.Method,
    url: HTTPURL,
    headers: HTTPFields = [:],
    caFile: String? = nil,
    addresses: AddressRule = .any,
    proxy: ForwardProxy? = nil
  ) {
    self.method = method
    self.url = url
    self.headers = headers
    self.caFile = caFile
    self.addresses = addresses
    self.proxy = proxy
  }
}
