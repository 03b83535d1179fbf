internal import HTTPTypes

extension UpstreamError {
  /// The error of an answer that is no success.
  init(refusing response: UpstreamResponse, _ route: Route) {
    let what = route.reference ?? route.kind.rawValue
    let reason =
      switch response.status {
      case 401: "upstream refuses anonymous access to \(what): it is private, or does not exist"
      case 403: "upstream denies access to \(what)"
      case 404: "upstream does not have \(what)"
      case 429: "upstream's rate limit is reached: wait, or give this proxy an account"
      default: "upstream answered \(response.status) for \(what)"
      }
    self.init(.status, reason, status: response.status, retryAfter: response.headers[.retryAfter])
  }
}
