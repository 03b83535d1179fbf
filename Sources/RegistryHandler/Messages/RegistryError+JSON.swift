internal import FoundationEssentials
internal import HTTPTypes

extension RegistryError {
  /// The response: `{"errors":[{"code","message","detail"}]}`.
  package var response: RegistryResponse {
    var headers: HTTPFields = [:]
    headers[.contentType] = "application/json"
    headers[.cacheControl] = "no-store"
    // <https://www.rfc-editor.org/rfc/rfc9110#section-15.5.6>
    if status == 405 { headers[.allow] = "GET, HEAD" }
    if let retryAfter { headers[.retryAfter] = retryAfter }
    var response = RegistryResponse(status: status, headers: headers, body: .bytes(json))
    response.errorMessage = message
    return response
  }

  private var json: [UInt8] {
    struct Document: Encodable { var errors: [Item] }
    struct Item: Encodable {
      var code: String
      var message: String
      var detail: Detail?
    }
    struct Detail: Encodable {
      var upstream: String?
      var status: Int?
      var upstreams: [String]?
    }
    let hasDetail = upstream != nil || upstreamStatus != nil || !routes.isEmpty
    let detail = Detail(
      upstream: upstream?.description,
      status: upstreamStatus,
      upstreams: routes.isEmpty ? nil : routes
    )
    let item = Item(code: code.rawValue, message: message, detail: hasDetail ? detail : nil)
    let encoder = JSONEncoder()
    encoder.outputFormatting = [.sortedKeys, .withoutEscapingSlashes]
    return (try? encoder.encode(Document(errors: [item]))).map { Array($0) } ?? []
  }
}
