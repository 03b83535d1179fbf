package import HTTPTypes

/// A redirect of an upstream: what was asked, and what the answer said.
package struct UpstreamRedirect: Sendable {
  /// What is asked for.
  package enum Content: String, Sendable {
    case blob
    /// A manifest or a list: it is read here, whoever has it.
    case document
  }

  /// The status of the answer, 3xx.
  package var status: Int
  /// The value of its `Location`.
  package var location: String?
  /// The method of the request that was answered. A signed URL is good for no other.
  package var method: HTTPRequest.Method
  package var content: Content
  /// The endpoint of the upstream, whose origin is trusted with its token.
  package var endpoint: HTTPURL
  /// The URL that was asked.
  package var requestURL: HTTPURL
  /// The URLs that were asked before it.
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
