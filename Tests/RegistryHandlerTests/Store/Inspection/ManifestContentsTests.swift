internal import Testing

@testable internal import RegistryHandler

struct ManifestContentsTests {
  private static let digests = (0..<4).map { "sha256:" + String(repeating: "\($0)", count: 64) }

  @Test(arguments: [
    (
      #"{"config":{"digest":"\#(digests[0])","size":2},"layers":[{"digest":"\#(digests[1])"},{"digest":"\#(digests[2])"}]}"#,
      [0, 1, 2], []
    ),
    (
      #"{"manifests":[{"digest":"\#(digests[0])","platform":{"os":"linux"}},{"digest":"\#(digests[3])"}]}"#, [], [0, 3]
    ),
    (#"{"fsLayers":[{"blobSum":"\#(digests[2])"}],"history":[{}]}"#, [2], []),
    (#"{"blobs":[{"digest":"\#(digests[1])"}],"subject":{"digest":"\#(digests[3])"}}"#, [1], []),
    (#"{"layers":[{"digest":"../../etc/passwd"},{"size":1},{"digest":"\#(digests[0])"}]}"#, [0], []),
    ("{}", [], []),
  ])
  func `a manifest names its blobs and its manifests`(json: String, blobs: [Int], manifests: [Int]) throws {
    let contents = try #require(ManifestContents(Array(json.utf8)))
    #expect(contents.blobs.map(\.description) == blobs.map { Self.digests[$0] })
    #expect(contents.manifests.map(\.description) == manifests.map { Self.digests[$0] })
  }

  @Test(arguments: ["", "[]", "{", #"{"layers":{}}"#, #"{"config":"text"}"#])
  func `bytes that are not a manifest are rejected`(json: String) { #expect(ManifestContents(Array(json.utf8)) == nil) }
}
