@testable internal import RegistryHandler

extension BlobSource {
  /// All that can be read of the range, in steps of some bytes.
  func collect(step: Int = 4096) async throws(BlobReader.Failure) -> [UInt8] {
    var bytes: [UInt8] = []
    let buffer = UnsafeMutableRawBufferPointer.allocate(byteCount: step, alignment: 1)
    defer { buffer.deallocate() }
    while true {
      let count = try await read(into: buffer, at: range.lowerBound + Int64(bytes.count))
      if count == 0 { return bytes }
      bytes.append(contentsOf: buffer[..<count])
    }
  }
}
