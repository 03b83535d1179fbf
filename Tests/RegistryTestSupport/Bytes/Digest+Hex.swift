import Crypto
import Foundation

extension Digest {
  /// The digest in lowercase hexadecimal digits, as after `sha256:`.
  package var hex: String { map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}

/// Returns the digest of bytes, as registries write it.
package func sha256Digest(of bytes: [UInt8]) -> String { "sha256:\(SHA256.hash(data: bytes).hex)" }

/// Returns the digest of text, as registries write it.
package func sha256Digest(of text: String) -> String { sha256Digest(of: Array(text.utf8)) }

/// Returns the digest of a file's content.
package func sha256Digest(ofFile path: String) throws -> String {
  let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
  defer { try? handle.close() }
  var hasher = SHA256()
  while let chunk = try handle.read(upToCount: .megabytes(4)), !chunk.isEmpty { hasher.update(data: chunk) }
  return "sha256:\(hasher.finalize().hex)"
}
