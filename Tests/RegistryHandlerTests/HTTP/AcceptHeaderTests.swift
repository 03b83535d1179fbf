internal import Testing

@testable internal import RegistryHandler

struct AcceptHeaderTests {
  private static let index = "application/vnd.oci.image.index.v1+json"
  private static let manifest = "application/vnd.oci.image.manifest.v1+json"
  private static let docker = "application/vnd.docker.distribution.manifest.v2+json"

  @Test(
    arguments: [
      (nil, index, true),
      ("", index, true),
      (" , ", index, true),
      (index, index, true),
      (index, manifest, false),
      ("\(manifest), \(index)", index, true),
      ("\(manifest),\(index);q=0.1", index, true),
      (index.uppercased(), index, true),
      ("*/*", index, true),
      ("application/*", index, true),
      ("\(manifest), */*;q=0.1", index, true),
      ("text/html", index, false),
      // Nothing in it can be read: it names no type.
      ("nonsense", index, true),
    ]
  )
  func `a type is taken when it is named, or nothing is`(_ value: String?, _ type: String, _ accepts: Bool) throws {
    #expect(try AcceptHeader(value).accepts(Values.mediaType(type)) == accepts)
  }

  @Test(
    arguments: [
      ("\(manifest), \(index)", "\(index),\(manifest)"),
      ("\(manifest);q=0.5, \(index)", " \(index) ,\t\(manifest.uppercased()), \(index)"),
      ("", ","),
    ]
  )
  func `every spelling of the same set is one question`(_ left: String, _ right: String) {
    #expect(AcceptHeader(left) == AcceptHeader(right))
    #expect(AcceptHeader(left).upstreamValue == AcceptHeader(right).upstreamValue)
  }

  @Test(arguments: [nil, "*/*", "application/*"])
  func `who takes anything asks for each type by name`(_ value: String?) {
    let asked = AcceptHeader(value).upstreamValue.split(separator: ", ").map(String.init)
    #expect(Set(asked).isSuperset(of: MediaType.manifestTypes.map(\.description)))
  }

  @Test func `who names types asks for no other`() {
    #expect(AcceptHeader("\(Self.manifest);q=1, \(Self.index)").upstreamValue == "\(Self.index), \(Self.manifest)")
  }

  /// Where an answer is recorded, by the types that the client takes, the answer's type, and that of the record there is.
  @Test(
    arguments: [
      (manifest, manifest, nil, false), (manifest, manifest, manifest, false), (manifest, manifest, docker, true),
      (manifest, docker, nil, true), (manifest, docker, manifest, true), ("application/json", manifest, nil, true),
      ("\(manifest), \(docker)", docker, manifest, false), ("\(manifest), \(docker)", manifest, index, true),
      (index, index, nil, false), (index, manifest, index, true), (nil, docker, index, false),
      (nil, docker, nil, false),
    ]
  )
  func `an answer is recorded for all alike unless that would drive another's out`(
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

  @Test func `the record of exact types is that of every spelling, and of no other set`() {
    let variants = [Self.manifest, Self.docker, "\(Self.manifest), \(Self.docker)", "application/json"].map {
      AcceptHeader($0).exactVariant
    }
    #expect(Set(variants).count == 4 && !variants.contains(nil))
    #expect(AcceptHeader("\(Self.docker);q=1,\(Self.manifest.uppercased())").exactVariant == variants[2])
  }
}
