internal import HTTPTypes
internal import RegistryHandler

extension RegistryRequest {
  /// The request that the parameters describe; `nil` when nginx left out what every request has.
  init?(_ request: borrowing FastCGIRequest) {
    var method: String?
    var target: String?
    var id: String?
    var scheme = "http"
    var host = ""
    var headers: HTTPFields = [:]
    var clientAddress: IPAddress?
    var isRetryAfterEviction = false
    request.forEachParameter { name, value in
      switch name {
      case "REQUEST_METHOD": method = value()
      case "REQUEST_URI": target = value()
      case "REGPROXY_REQUEST_ID": id = value()
      case "REGPROXY_EVICTED": isRetryAfterEviction = value() == "1"
      case "REQUEST_SCHEME": scheme = value() == "https" ? "https" : "http"
      case "REMOTE_ADDR": clientAddress = IPAddress(value())
      case "HTTP_HOST": host = value()
      // One line may carry every value of these, so lines that nginx did not join can be.
      case "HTTP_ACCEPT": headers.join(value(), to: .accept)
      case "HTTP_RANGE": headers.join(value(), to: .range)
      case "HTTP_IF_RANGE": headers.join(value(), to: .ifRange)
      case "HTTP_VIA": headers.join(value(), to: .via)
      default: break
      }
    }
    guard let target, let method = method.flatMap({ HTTPRequest.Method($0) }) else { return nil }
    self.init(
      id: id ?? "-",
      method: method,
      target: target,
      scheme: scheme,
      host: host,
      headers: headers,
      clientAddress: clientAddress,
      isRetryAfterEviction: isRetryAfterEviction
    )
  }
}

extension HTTPFields {
  /// Adds a line to those of the same name, as one list. <https://www.rfc-editor.org/rfc/rfc9110#section-5.3>
  fileprivate mutating func join(_ value: String, to name: HTTPField.Name) {
    self[name] = self[name].map { "\($0), \(value)" } ?? value
  }
}
