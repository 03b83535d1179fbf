internal import Testing

@testable internal import RegistryHandler

/// Table "Names" of `docs/request-handling.md`: digests.
struct DigestTests {
  private static let hash = String(repeating: "0123456789abcdef", count: 4)

  @Test(
    arguments: [
      ("sha256:\(hash)", Digest.Algorithm.sha256),
      ("sha512:\(hash)\(hash)", .sha512),
    ]
  )
  func `a digest of a registered algorithm is accepted`(_ text: String, _ algorithm: Digest.Algorithm) throws {
    let digest = try #require(Digest(text))
    #expect(digest.algorithm == algorithm)
    #expect(digest.hex == text.dropFirst(7))
    #expect(digest.description == text)
  }

  @Test(
    arguments: [
      "", ":", "sha256", "sha256:", hash, ":\(hash)",
      "sha256:\(hash.dropLast())", "sha256:\(hash)0",
      "sha256:\(hash)\(hash)", "sha512:\(hash)",
      "SHA256:\(hash)", "sha256:\(hash.uppercased())",
      "sha1:\(hash.prefix(40))", "md5:\(hash.prefix(32))", "sha384:\(hash)\(hash.prefix(32))",
      "sha256+b64:\(hash)", "sha256::\(hash.dropFirst())",
      "sha256:\(hash.dropLast())g", "sha256:\(hash.dropLast())/", "sha256:\(hash.dropLast())\0",
      "sha256:../\(hash.dropLast(3))", " sha256:\(hash)", "sha256:\(hash)\n",
      "sha256:\(hash.dropLast())\u{FF10}", "sha256:\(hash.dropLast())\u{0660}",
    ]
  )
  func `a malformed digest is rejected`(_ text: String) {
    #expect(Digest(text) == nil)
  }

  @Test(
    arguments: [
      ("", Digest.Algorithm.sha256, "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"),
      ("abc", .sha256, "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"),
      (
        "abc", .sha512,
        "ddaf35a193617abacc417349ae20413112e6fa4e89a97ea20a9eeee64b55d39a"
          + "2192992a274fc1a836ba3c23a3feebbd454d4423643ce80e2a9ac94fa54ca49f"
      ),
    ]
  )
  func `the digest of bytes matches FIPS 180-4`(
    _ text: String,
    _ algorithm: Digest.Algorithm,
    _ hex: String
  ) {
    #expect(Digest(of: Array(text.utf8), algorithm: algorithm)?.hex == hex)
  }
}
