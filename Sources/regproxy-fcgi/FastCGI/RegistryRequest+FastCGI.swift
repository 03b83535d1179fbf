internal import HTTPTypes
internal import RegistryHandler

extension RegistryRequest {
  /// Creates the request from its parameters; `nil` if the method or the target is missing or invalid.
  init?(_ request: borrowing FastCGIRequest) {
    var method: String?
    var target: String?
    var id: String?
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
      case "REMOTE_ADDR": clientAddress = IPAddress(value())
      case "HTTP_HOST": host = value()
      // List headers: lines that nginx did not join may be joined here.
      case "HTTP_ACCEPT": headers.join(value(), to: .accept)
      case "HTTP_RANGE": headers.join(value(), to: .range)
      case "HTTP_IF_RANGE": headers.join(value(), to: .ifRange)
      case "HTTP_IF_NONE_MATCH": headers.join(value(), to: .ifNoneMatch)
      case "HTTP_IF_MODIFIED_SINCE": headers[.ifModifiedSince] = value()
      case "HTTP_VIA": headers.join(value(), to: .via)
      default: break
      }
    }
    guard let target, let method = method.flatMap({ HTTPRequest.Method($0) }) else { return nil }
    self.init(
      id: id ?? "-",
      method: method,
      target: target,
      host: host,
      headers: headers,
      clientAddress: clientAddress,
      isRetryAfterEviction: isRetryAfterEviction
    )
  }
}

extension HTTPFields {
  /// Appends a value to the list in the header of that name. <https://www.rfc-editor.org/rfc/rfc9110#section-5.3>
  fileprivate mutating func join(_ value: String, to name: HTTPField.Name) {
    self[name] = self[name].map { "\($0), \(value)" } ?? value
  }
}
