internal import AsyncHTTPClient
internal import RegistryHandler

extension UpstreamError {
  /// Translates a failure of async-http-client.
  init(_ error: any Error, host: String) {
    switch error as? HTTPClientError {
    case .cancelled: self = .cancelled
    // The pool, too, gives up after the connect time-out.
    case .connectTimeout, .getConnectionFromPoolTimeout, .deadlineExceeded, .tlsHandshakeTimeout:
      self.init(.timeout, "\(host) did not respond in time")
    case .readTimeout: self.init(.timeout, "\(host) sent nothing for 30 seconds")
    case .proxyAuthenticationRequired:
      self.init(.unreachable, "\(host) cannot be reached: the proxy wants credentials, or others than it got")
    case .invalidProxyResponse: self.init(.unreachable, "\(host) cannot be reached: the proxy refuses the connection")
    case .remoteConnectionClosed: self.init(.unreachable, "\(host) closed the connection")
    default:
      if error is CancellationError {
        self = .cancelled
      } else {
        self.init(.unreachable, "\(host) cannot be reached: \(error)")
      }
    }
  }
}
