internal import HTTPTypes

extension RegistryResponse {
  /// Says how the cache took part, in the headers and in the record.
  /// - Parameter detail: one word for `Cache-Status`.
  mutating func setCacheStatus(_ status: CacheStatus, detail: String) {
    headers.append(HTTPField(name: .cacheStatus, value: status.headerValue(detail: detail)))
    headers.append(HTTPField(name: .xCache, value: status.rawValue))
    record.cache = status
  }
}
