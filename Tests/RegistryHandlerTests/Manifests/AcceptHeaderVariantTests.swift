internal import Testing

@testable internal import RegistryHandler

/// Table "Records of tags" of `docs/rules/manifests.md`.
struct AcceptHeaderVariantTests {
  private static let index = "application/vnd.oci.image.index.v1+json"
  private static let manifest = "application/vnd.oci.image.manifest.v1+json"
  private static let docker = "application/vnd.docker.distribution.manifest.v2+json"

  @Test(
    arguments: [
      (nil, .any), ("*/*", .any), ("application/*", .any), (index, .any),
      ("application/vnd.docker.distribution.manifest.list.v2+json", .any), ("\(manifest), \(index);q=0.1", .any),
      (manifest, .single), ("\(manifest), \(docker)", .single), ("text/html", .single),
    ] as [(String?, TagVariant)]
  )
  func `a client that accepts no index gets a single manifest`(_ accept: String?, _ variant: TagVariant) {
    #expect(AcceptHeader(accept).variant == variant)
  }

  /// The accepted types, the type of the response, and the recorded type.
  @Test(
    arguments: [
      (manifest, manifest, nil, false), (manifest, manifest, manifest, false), (manifest, manifest, docker, true),
      (manifest, docker, nil, true), (manifest, docker, manifest, true), ("application/json", manifest, nil, true),
      ("\(manifest), \(docker)", docker, manifest, false), ("\(manifest), \(docker)", manifest, index, true),
      (index, index, nil, false), (index, manifest, index, true), (nil, docker, index, false),
      (nil, docker, nil, false),
    ]
  )
  func `a response is recorded for the client's variant unless other clients would lose theirs`(
    _ accept: String?,
    _ type: String,
    _ current: String?,
    _ isExact: Bool
  ) throws {
    let accept = AcceptHeader(accept)
    let variant = try accept.variant(
      recording: Values.mediaType(type),
      besides: current.map { try Values.mediaType($0) }
    )
    #expect(variant == (isExact ? accept.exactVariant : accept.variant))
  }

  @Test func `all spellings of a set share an exact variant, and different sets have different ones`() {
    let variants = [Self.manifest, Self.docker, "\(Self.manifest), \(Self.docker)", "application/json"].map {
      AcceptHeader($0).exactVariant
    }
    #expect(Set(variants).count == 4 && !variants.contains(nil))
    #expect(AcceptHeader("\(Self.docker);q=1,\(Self.manifest.uppercased())").exactVariant == variants[2])
  }
}
