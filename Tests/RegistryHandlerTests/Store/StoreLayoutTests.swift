internal import Testing

@testable internal import RegistryHandler

struct StoreLayoutTests {
  @Test(
    arguments: [
      ("docker.io", "docker.io", AccessMode.anonymous), ("r.test:5000@service", "r.test:5000", .service),
      ("docker.io@anonymous", nil, .anonymous), ("docker.io@x", nil, .anonymous), ("@service", nil, .anonymous),
      ("docker.io@service@service", nil, .anonymous),
    ] as [(String, String?, AccessMode)]
  )
  func `an upstream has a directory for each way of access`(_ directory: String, _ name: String?, _ access: AccessMode)
    throws
  {
    let parsed = StoreLayout.upstream(ofDirectory: directory)
    #expect(parsed?.0.description == name)
    guard let name else { return }
    #expect(parsed?.1 == access)
    #expect(StoreLayout.directoryName(of: try Values.upstream(name), access) == directory)
  }

  private static let hex = "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"

  @Test func `every kind of file has its path`() throws {
    let layout = StoreLayout(root: "/s")
    let digest = try Values.digest(of: "abc")
    let repository = try Values.repository("corp.test:5000", "o/a")
    let directory = "/s/repositories/corp.test:5000/o/a"
    #expect(layout.blob(digest) == "/s/blobs/sha256/ba/\(Self.hex)")
    #expect(StoreLayout.relativePath(of: digest) == "sha256/ba/\(Self.hex)")
    #expect(layout.partial(digest) == "/s/partial/sha256/\(Self.hex)")
    #expect(layout.blobLink(digest, in: repository) == "\(directory)/_blobs/sha256/\(Self.hex)")
    #expect(layout.manifest(digest, in: repository) == "\(directory)/_manifests/sha256/\(Self.hex).json")
    let tag = try Values.tag("v1.0")
    #expect(layout.tag(tag, in: repository) == "\(directory)/_tags/v1.0.json")
    #expect(layout.tag(tag, .single, in: repository) == "\(directory)/_tags/single/v1.0.json")
    #expect(layout.tag(tag, .exactly(digest), in: repository) == "\(directory)/_tags/exact/v1.0/\(Self.hex).json")
    #expect(layout.partialRecord(digest) == "/s/partial/sha256/\(Self.hex).json")
    #expect(layout.temporaryFile(255) == "/s/partial/record-ff")
    #expect(repository.description == "corp.test:5000/o/a")
  }

  @Test func `blobs of another algorithm have their own directory`() throws {
    let digest = try #require(Digest(of: Array("abc".utf8), algorithm: .sha512))
    #expect(StoreLayout(root: "/s").blob(digest) == "/s/blobs/sha512/dd/\(digest.hex)")
  }
}
