internal import HTTPTypes

extension ManifestFetcher {
  /// Returns the manifest that upstream's bytes and headers describe; throws where they are wrong.
  static func verified(
    _ bytes: [UInt8],
    _ headers: HTTPFields,
    _ reference: Reference
  ) throws(UpstreamError) -> StoredManifest {
    guard let mediaType = headers[.contentType].flatMap({ MediaType($0) }), mediaType.isManifest else {
      throw UpstreamError(.invalidResponse, "upstream sent something other than a manifest for \(reference)")
    }
    guard let parsed = ManifestDocument(bytes) else {
      throw UpstreamError(.invalidResponse, "upstream sent a manifest for \(reference) that is not a JSON object")
    }
    // Error documents have this type, too.
    guard mediaType.description != "application/json" || parsed.hasSchemaVersion else {
      throw UpstreamError(.invalidResponse, "upstream sent JSON that is not a manifest for \(reference)")
    }
    var expected = headers[.dockerContentDigest].flatMap { Digest($0) }
    if case .digest(let digest) = reference { expected = digest }
    guard let digest = Digest(of: bytes, algorithm: expected?.algorithm ?? .sha256), digest == expected ?? digest else {
      throw UpstreamError(
        .invalidResponse,
        "upstream sent a manifest for \(reference) whose digest is not \(expected?.description ?? "known")"
      )
    }
    return StoredManifest(digest: digest, mediaType: mediaType, bytes: bytes)
  }
}
