internal import Testing

@testable internal import RegistryHandler

struct AcceptHeaderTests {
  private static let index = "application/vnd.oci.image.index.v1+json"
  private static let manifest = "application/vnd.oci.image.manifest.v1+json"

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
}
