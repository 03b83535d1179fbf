package import HTTPTypes

/// The head of an upstream's response, and its body as it arrives.
package struct UpstreamResponse: Sendable {
  package var status: Int
  package var headers: HTTPFields
  package var body: any UpstreamBody
  /// The host that sent the response, if upstream redirected to another one.
  package var redirectedTo: String?
  /// The index of the endpoint that was requested, among the upstream's.
  package var endpoint = 0

  package init(status: Int, headers: HTTPFields, body: any UpstreamBody) {
    self.status = status
    self.headers = headers
    self.body = body
  }
}

extension UpstreamResponse {
  /// The announced size in bytes. <https://www.rfc-editor.org/rfc/rfc9110#section-8.6>
  var contentLength: Int64? {
    headers[.contentLength].flatMap { $0.utf8.allSatisfy(\.isDigit) ? Int64($0) : nil }
  }

  /// The part that a 206 contains; `nil` if it is absent or invalid.
  var contentRange: ContentRange? { headers[.contentRange].flatMap { ContentRange($0) } }

  /// The validator that a range may be requested by. <https://www.rfc-editor.org/rfc/rfc9110#section-13.1.5>
  var strongEntityTag: String? { headers[.eTag].flatMap { $0.hasPrefix("\"") ? $0 : nil } }

  /// Throws if the content is encoded: its bytes have another digest than its name says.
  func requireIdentityEncoding() throws(UpstreamError) {
    guard let encoding = headers[.contentEncoding], encoding.lowercased() != "identity" else { return }
    throw UpstreamError(.invalidResponse, "upstream sent content with an encoding that nobody asked for")
  }
}
