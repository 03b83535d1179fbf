internal import Crypto

/// A running SHA-256 or SHA-512 hash of content.
package struct ContentHasher: Sendable {
  // Exactly one is set. Optionals, not an enum, so that the hash is changed in place and never copied.
  private var sha256: SHA256?
  private var sha512: SHA512?

  package init(_ algorithm: Digest.Algorithm) {
    switch algorithm {
    case .sha256: sha256 = SHA256()
    case .sha512: sha512 = SHA512()
    }
  }

  package mutating func update(_ bytes: UnsafeRawBufferPointer) {
    sha256?.update(bufferPointer: bytes)
    sha512?.update(bufferPointer: bytes)
  }

  /// Returns the hash of all bytes so far, in lower-case hexadecimal.
  package func hex() -> String {
    let bytes = sha256.map { Array($0.finalize()) } ?? sha512.map { Array($0.finalize()) } ?? []
    return String(decoding: bytes.flatMap { [($0 >> 4).hexDigit, ($0 & 15).hexDigit] }, as: UTF8.self)
  }
}

extension Digest {
  /// Computes the digest of bytes; never `nil`, as the hash has the algorithm's length.
  package init?(of bytes: [UInt8], algorithm: Algorithm = .sha256) {
    var hash = ContentHasher(algorithm)
    bytes.withUnsafeBytes { hash.update($0) }
    self.init(algorithm: algorithm, hex: hash.hex())
  }
}
