package import HTTPTypes

/// A redirect that the client follows itself.
package struct ClientRedirect: Hashable, Sendable {
  package let status: Int
  /// An absolute URL, byte for byte as upstream wrote it unless upstream sent a relative reference.
  package let location: String
  /// The only method that a signed URL is valid for.
  package let method: HTTPRequest.Method

  package init(status: Int, location: String, method: HTTPRequest.Method) {
    self.status = status
    self.location = location
    self.method = method
  }
}
