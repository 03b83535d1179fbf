package import HTTPTypes

/// A request as nginx handed it over, before anything in it is believed.
package struct RegistryRequest: Sendable {
  /// Identifies the request in the logs of nginx and of the worker.
  package var id: String
  package var method: HTTPRequest.Method
  /// The raw target: path and query as the client sent them.
  package var target: String
  /// `http` or `https`, as the client sees this host.
  package var scheme: String
  /// The value of `Host`.
  package var host: String
  /// The request headers that are ever looked at; repeated ones joined with commas.
  package var headers: HTTPFields
  /// Where the request comes from, as nginx sees it.
  package var clientAddress: IPAddress?
  /// Whether nginx came back because a file it was told to send is gone.
  package var isRetryAfterEviction: Bool

  package init(
    id: String,
    method: HTTPRequest.Method,
    target: String,
    scheme: String = "http",
    host: String,
    headers: HTTPFields = [:],
    clientAddress: IPAddress? = nil,
    isRetryAfterEviction: Bool = false
  ) {
    self.id = id
    self.method = method
    self.target = target
    self.scheme = scheme
    self.host = host
    self.headers = headers
    self.clientAddress = clientAddress
    self.isRetryAfterEviction = isRetryAfterEviction
  }
}
