internal import Testing

@testable internal import RegistryHandler

struct MediaTypeTests {
  @Test(
    arguments: [
      ("application/json", "application/json"),
      ("application/vnd.oci.image.manifest.v1+json", "application/vnd.oci.image.manifest.v1+json"),
      ("Application/JSON", "application/json"),
      ("application/json; charset=utf-8", "application/json"),
      ("application/json;", "application/json"),
      (" \tapplication/json\t ;q=1", "application/json"),
      ("*/*", "*/*"),
    ]
  )
  func `a type is parsed without its parameters, in lower case`(_ text: String, _ type: String) {
    #expect(MediaType(text)?.description == type)
  }

  @Test(
    arguments: [
      "", "json", "application", "application/", "/json", "a/b/c", "application / json", "application/js on",
      "application/json\r\nX-Injected: 1", "application/\u{E4}", "\"a\"/b", ";a/b",
      "application/" + String(repeating: "a", count: 244),
    ]
  )
  func `a malformed type is rejected`(_ text: String) {
    #expect(MediaType(text) == nil)
  }

  @Test(
    arguments: [
      ("application/vnd.oci.image.index.v1+json", true),
      ("application/vnd.docker.distribution.manifest.v2+json", true),
      ("application/vnd.docker.distribution.manifest.v1+prettyjws", false),
      ("application/json", true),
      ("application/problem+json", false),
      ("text/html", false),
      ("text/json", false),
      ("application/octet-stream", false),
    ]
  )
  func `the type of a manifest is application JSON`(_ text: String, _ isManifest: Bool) throws {
    #expect(try #require(MediaType(text)).isManifest == isManifest)
  }

  @Test func `all requested types can be those of manifests`() {
    #expect(MediaType.manifestTypes.count == 4)
    #expect(MediaType.manifestTypes.allSatisfy { $0.isManifest })
  }
}
