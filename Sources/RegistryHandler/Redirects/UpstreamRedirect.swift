package import HTTPTypes

/// A redirect from an upstream: the request and the response.
package struct UpstreamRedirect: Sendable {
  /// The requested content.
  package enum Content: String, Sendable {
    case blob
    /// A manifest or a list, which the worker reads from any host.
    case document
  }

  /// The status of the response, 3xx.
  package var status: Int
  /// The value of the response's `Location`.
  package var location: String?
  /// The method of the request. A signed URL is valid for no other.
  package var method: HTTPRequest.Method
  package var content: Content
  /// The endpoint of the upstream, whose origin is trusted with its token.
  package var endpoint: HTTPURL
  /// The URL of the request.
  package var requestURL: HTTPURL
  /// The URLs that were requested before.
  package var visited: [HTTPURL]

  package init(
    status: Int,
    location: String?,
    method: HTTPRequest.Method = .get,
    content: Content = .blob,
    endpoint: HTTPURL,
    requestURL: HTTPURL,
    visited: [HTTPURL] = []
  ) {
    self.status = status
    self.location = location
    self.method = method
    self.content = content
    self.endpoint = endpoint
    self.requestURL = requestURL
    self.visited = visited
  }
}
