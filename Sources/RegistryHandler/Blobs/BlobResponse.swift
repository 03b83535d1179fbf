internal import HTTPTypes

/// The headers, range and entity tag of a response with a blob.
struct BlobResponse: Sendable {
  let digest: Digest
  let request: RegistryRequest

  /// The headers of every response with the blob.
  var headers: HTTPFields {
    [
      .contentType: MediaType.octetStream.description,
      .dockerContentDigest: digest.description,
      .cacheControl: "max-age=31536000, immutable",
    ]
  }

  /// Makes the response whose bytes nginx sends from the store.
  func accelerated() -> RegistryResponse {
    RegistryResponse(status: 200, headers: headers, body: .blob(digest))
  }

  /// Indicates whether the client wants all bytes whatever it has: nginx evaluates ranges and conditions of files only.
  var isForWholeBlob: Bool {
    request.method == .get && [.range, .ifNoneMatch, .ifModifiedSince].allSatisfy { request.headers[$0] == nil }
  }

  /// Makes the response with all bytes of a small blob, with the headers that nginx gives the file.
  func whole(_ bytes: [UInt8]) -> RegistryResponse {
    var headers = headers
    headers[.lastModified] = Self.lastModified
    headers[.acceptRanges] = "bytes"
    headers[.eTag] = Self.entityTag(size: Int64(bytes.count))
    return RegistryResponse(status: 200, headers: headers, body: .bytes(bytes))
  }

  /// Makes the response to HEAD of a blob that is not stored.
  func head(size: Int64) -> RegistryResponse {
    var headers = headers
    headers[.contentLength] = String(size)
    headers[.acceptRanges] = "bytes"
    return RegistryResponse(status: 200, headers: headers)
  }

  /// Makes the response whose bytes the worker sends: the whole, the requested part, or 416.
  func streamed(size: Int64, _ makeSource: (Range<Int64>) -> any BlobSource) -> RegistryResponse {
    var headers = headers
    headers[.acceptRanges] = "bytes"
    headers[.eTag] = Self.entityTag(size: size)
    switch request.method == .head ? ByteRange.whole : range(size: size) {
    case .whole:
      headers[.contentLength] = String(size)
      let body: RegistryResponse.Body = request.method == .head ? .empty : .stream(makeSource(0..<size))
      return RegistryResponse(status: 200, headers: headers, body: body)
    case .part(let part):
      headers[.contentLength] = String(part.count)
      headers[.contentRange] = "bytes \(part.lowerBound)-\(part.upperBound - 1)/\(size)"
      return RegistryResponse(status: 206, headers: headers, body: .stream(makeSource(part)))
    case .unsatisfiable:
      headers[.contentLength] = "0"
      headers[.contentRange] = "bytes */\(size)"
      return RegistryResponse(status: 416, headers: headers)
    }
  }

  /// The range that the client requests of a blob of a size in bytes.
  func range(size: Int64) -> ByteRange {
    if let validator = request.headers[.ifRange], validator != Self.entityTag(size: size) { return .whole }
    return ByteRange(request.headers[.range], size: size)
  }

  /// `Store.blobModificationTime` as a date. <https://www.rfc-editor.org/rfc/rfc9110#section-5.6.7>
  private static let lastModified = "Sun, 09 Sep 2001 01:46:40 GMT"

  /// The entity tag that nginx gives the same blob as a file, made of modification time and size.
  private static func entityTag(size: Int64) -> String {
    "\"\(String(Store.blobModificationTime, radix: 16))-\(String(size, radix: 16))\""
  }

  /// Makes the response that redirects the client as upstream did.
  static func redirected(_ redirect: ClientRedirect) -> RegistryResponse {
    var response = RegistryResponse(
      status: redirect.status,
      headers: [.location: redirect.location, .contentLength: "0", .cacheControl: "no-store"]
    )
    response.setCacheStatus(.bypass, detail: "redirect")
    return response
  }
}
