internal import Crypto
internal import Synchronization
internal import SystemPackage

/// A hash of either algorithm, fed in pieces.
package struct ContentHasher: Sendable {
  // One of the two is there. Optionals, not an enum, so that the hash is changed in place and never copied.
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

  /// The hash of the beginning of a file. Blocks, long where it is large.
  /// - Parameter count: how much of it, in bytes; what is not there is an error.
  package init(_ algorithm: Digest.Algorithm, ofFirst count: Int64, in file: OpenFile) throws(FileError) {
    self.init(algorithm)
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: 1 << 20, alignment: 16)
    defer { buffer.deallocate() }
    var offset: Int64 = 0
    while offset < count {
      let wanted = UnsafeMutableRawBufferPointer(rebasing: buffer[..<Int(min(Int64(buffer.count), count - offset))])
      let read = try file.read(into: wanted, at: offset)
      guard read > 0 else { throw FileError("read", file.path, .ioError) }
      update(UnsafeRawBufferPointer(rebasing: wanted[..<read]))
      offset += Int64(read)
    }
  }

  /// The hash of all so far, in lower-case hexadecimal.
  package func hex() -> String {
    let digits = Array("0123456789abcdef".utf8)
    let bytes = sha256.map { Array($0.finalize()) } ?? sha512.map { Array($0.finalize()) } ?? []
    return String(decoding: bytes.flatMap { [digits[Int($0 >> 4)], digits[Int($0 & 15)]] }, as: UTF8.self)
  }
}

/// The hash of the beginning of a file that many want at the same time: computed once.
package final class PrefixHash: Sendable {
  private struct Known {
    let count: Int64
    let hash: ContentHasher
  }

  private let known = Mutex<Known?>(nil)

  package init() {}

  /// Blocks as long as it takes one of them to read it.
  /// - Parameter count: how much of the file, in bytes.
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

extension Digest {
  /// Computes the digest of bytes; never `nil`, as the hash has the algorithm's length.
  package init?(of bytes: [UInt8], algorithm: Algorithm = .sha256) {
    var hash = ContentHasher(algorithm)
    bytes.withUnsafeBytes { hash.update($0) }
    self.init(algorithm: algorithm, hex: hash.hex())
  }
}
