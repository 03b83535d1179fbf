package import HTTPTypes

/// A request as nginx passed it on, before anything in it is trusted.
package struct RegistryRequest: Sendable {
  /// Identifies the request in the logs of nginx and of the worker.
  package var id: String
  package var method: HTTPRequest.Method
  /// The raw target: path and query as the client sent them.
  package var target: String
  /// The value of `Host`.
  package var host: String
  /// The request headers that this proxy reads; repeated ones are joined with commas.
  package var headers: HTTPFields
  /// The client's address as nginx sees it.
  package var clientAddress: IPAddress?
  /// True if nginx repeats the request because the file that it was told to send is gone.
  package var isRetryAfterEviction: Bool

  package init(
    id: String,
    method: HTTPRequest.Method,
    target: String,
    host: String,
    headers: HTTPFields = [:],
    clientAddress: IPAddress? = nil,
    isRetryAfterEviction: Bool = false
  ) {
    self.id = id
    self.method = method
    self.target = target
    self.host = host
    self.headers = headers
    self.clientAddress = clientAddress
    self.isRetryAfterEviction = isRetryAfterEviction
  }
}
