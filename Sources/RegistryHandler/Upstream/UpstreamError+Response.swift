internal import HTTPTypes

extension UpstreamError {
  /// The error of a response that is not a success.
  init(refusing response: UpstreamResponse, _ route: Route) {
    let what = route.reference ?? route.kind.rawValue
    let reason =
      switch (response.status, response.redirectedTo) {
      case (401, nil): "upstream refuses anonymous access to \(what): it is private, or does not exist"
      case (403, nil): "upstream denies access to \(what)"
      case (404, nil): "upstream does not have \(what)"
      case (429, nil): "upstream's rate limit is reached: wait, or give this proxy an account"
      case (let status, nil): "upstream answered \(status) for \(what)"
      case (let status, let host?): "\(host), to which upstream redirects, answered \(status) for \(what)"
      }
    self.init(.status, reason, status: response.status, retryAfter: response.headers[.retryAfter])
  }
}
