internal import SystemPackage

extension ContentHasher {
  /// Hashes the beginning of a file. Blocks, for long if the file is large.
  /// - Parameter count: how many bytes to hash; a shorter file is an error.
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
}
