internal import Synchronization

/// The hash of the beginning of a file, computed once for all readers that need the same length.
package final class PrefixHash: Sendable {
  private struct Known {
    let count: Int64
    let hash: ContentHasher
  }

  private let known = Mutex<Known?>(nil)

  package init() {}

  /// Returns the hash of the first bytes of a file. Blocks while a caller reads them.
  /// - Parameter count: the number of bytes to hash.
  package func hash(
    _ algorithm: Digest.Algorithm,
    ofFirst count: Int64,
    in file: OpenFile
  ) throws(FileError) -> ContentHasher {
    try known.withLock { known throws(FileError) in
      if let known, known.count == count { return known.hash }
      let hash = try ContentHasher(algorithm, ofFirst: count, in: file)
      known = Known(count: count, hash: hash)
      return hash
    }
  }
}
