import Crypto
import Foundation

extension Digest {
  /// `sha256:<hex>` and so on is written with these.
  package var hex: String { map { String($0 >> 4, radix: 16) + String($0 & 15, radix: 16) }.joined() }
}

/// The digest of bytes, as registries write it.
package func sha256Digest(of bytes: [UInt8]) -> String { "sha256:\(SHA256.hash(data: bytes).hex)" }

/// The digest of text, as registries write it.
package func sha256Digest(of text: String) -> String { sha256Digest(of: Array(text.utf8)) }

/// The digest of a file's content.
package func sha256Digest(ofFile path: String) throws -> String {
  let handle = try FileHandle(forReadingFrom: URL(fileURLWithPath: path))
  defer { try? handle.close() }
  var hasher = SHA256()
  while let chunk = try handle.read(upToCount: .megabytes(4)), !chunk.isEmpty { hasher.update(data: chunk) }
  return "sha256:\(hasher.finalize().hex)"
}
