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
      // A header without a valid type names none.
      ("nonsense", index, true),
    ]
  )
  func `a type is accepted if the header names it, or names none`(_ value: String?, _ type: String, _ accepts: Bool)
    throws
  {
    #expect(try AcceptHeader(value).accepts(Values.mediaType(type)) == accepts)
  }

  @Test(
    arguments: [
      ("\(manifest), \(index)", "\(index),\(manifest)"),
      ("\(manifest);q=0.5, \(index)", " \(index) ,\t\(manifest.uppercased()), \(index)"),
      ("", ","),
    ]
  )
  func `all spellings of a set are equal`(_ left: String, _ right: String) {
    #expect(AcceptHeader(left) == AcceptHeader(right))
    #expect(AcceptHeader(left).upstreamValue == AcceptHeader(right).upstreamValue)
  }

  @Test(arguments: [nil, "*/*", "application/*"])
  func `a header that accepts anything names each type upstream`(_ value: String?) {
    let named = AcceptHeader(value).upstreamValue.split(separator: ", ").map(String.init)
    #expect(Set(named).isSuperset(of: MediaType.manifestTypes.map(\.description)))
  }

  @Test func `a header that names types names no other upstream`() {
    #expect(AcceptHeader("\(Self.manifest);q=1, \(Self.index)").upstreamValue == "\(Self.index), \(Self.manifest)")
  }
}
