internal import FoundationEssentials
internal import HTTPTypes

@testable internal import RegistryHandler

extension FuzzInput {
  /// Checks two lines, `Content-Type` and `Docker-Content-Digest`, and the bytes of a manifest.
  func checkManifest() {
    let parts = bytes.split(separator: UInt8(ascii: "\n"), maxSplits: 2, omittingEmptySubsequences: false)
    let body = parts.count == 3 ? Array(parts[2]) : bytes
    if let contents = ManifestContents(body) {
      for digest in contents.blobs + contents.manifests {
        expectEqual(Digest(digest.description), digest, "a manifest names an invalid digest")
      }
    }
    guard let digest = Digest(of: body), let tag = TagName("latest") else { return }
    let fields = fields(3)
    for type in [fields[0], "application/vnd.oci.image.manifest.v1+json", "application/json"] {
      for named in [fields[1], digest.description, nil] {
        check(body, type, named, .tag(tag))
        check(body, type, named, .digest(digest))
        if let other = Digest(fields[1]) { check(body, type, named, .digest(other)) }
      }
    }
  }

  private func check(_ body: [UInt8], _ type: String, _ named: String?, _ reference: Reference) {
    var headers: HTTPFields = [.contentType: type]
    headers[.dockerContentDigest] = named
    guard let manifest = try? ManifestFetcher.verified(body, headers, reference) else { return }
    expectEqual(manifest.bytes, body, "a manifest has other bytes")
    expectEqual(Digest(of: body, algorithm: manifest.digest.algorithm), manifest.digest, "a wrong digest is accepted")
    if case .digest(let asked) = reference { expectEqual(manifest.digest, asked, "another manifest is accepted") }
    expect(manifest.mediaType.isManifest, "\(manifest.mediaType) is accepted for a manifest")
    expect(isObject(body), "a manifest is not a JSON object")
  }

  /// Returns whether bytes are a JSON object to the general parser. With escapes or outside ASCII only the first byte
  /// is checked, because the general parser is stricter there.
  private func isObject(_ body: [UInt8]) -> Bool {
    struct Members: Decodable {}
    let isPlain = body.allSatisfy { $0 < 0x80 && $0 != UInt8(ascii: "\\") }
    return body.first == UInt8(ascii: "{")
      && (!isPlain || (try? JSONDecoder().decode(Members.self, from: Data(body))) != nil)
  }
}
