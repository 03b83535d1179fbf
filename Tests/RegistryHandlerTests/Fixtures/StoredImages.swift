internal import Testing

@testable internal import RegistryHandler

/// Puts images into a store as the proxy does.
struct StoredImages {
  let store: Store

  /// Adds a blob of a size, and its link.
  @discardableResult
  func addBlob(_ name: Character, size: Int, to repository: UpstreamRepository) throws -> Digest {
    let bytes = Array(String(repeating: name, count: size).utf8)
    let digest = try Values.digest(of: bytes)
    try store.keep(bytes, as: digest)
    try store.link(digest, in: repository)
    return digest
  }

  func addManifest(of blobs: [Digest], to repository: UpstreamRepository, tags: [String] = []) throws -> Digest {
    let layers = blobs.map { #"{"digest":"\#($0)"}"# }.joined(separator: ",")
    return try add(#"{"layers":[\#(layers)]}"#, "application/vnd.oci.image.manifest.v1+json", to: repository, tags)
  }

  func addIndex(of manifests: [Digest], to repository: UpstreamRepository, tags: [String] = []) throws -> Digest {
    let list = manifests.map { #"{"digest":"\#($0)"}"# }.joined(separator: ",")
    return try add(#"{"manifests":[\#(list)]}"#, "application/vnd.oci.image.index.v1+json", to: repository, tags)
  }

  private func add(_ json: String, _ type: String, to repository: UpstreamRepository, _ tags: [String]) throws -> Digest
  {
    let (bytes, mediaType) = (Array(json.utf8), try Values.mediaType(type))
    let digest = try Values.digest(of: bytes)
    try store.keep(StoredManifest(digest: digest, mediaType: mediaType, bytes: bytes), in: repository)
    for tag in tags {
      let record = TagRecord(digest: digest, mediaType: mediaType, size: Int64(bytes.count), checkedAt: 1, etag: nil)
      try store.keep(record, of: Values.tag(tag), in: repository)
    }
    return digest
  }
}
