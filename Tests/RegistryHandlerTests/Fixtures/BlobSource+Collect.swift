internal import Glibc
internal import NIOCore
internal import SystemPackage

@testable internal import RegistryHandler

extension BlobSource {
  /// Reads all of the range.
  func collect() async throws(BlobSourceFailure) -> [UInt8] {
    var bytes: [UInt8] = []
    while bytes.count < range.count { bytes += try await chunk(at: range.lowerBound + Int64(bytes.count)) }
    return bytes
  }

  /// Reads the bytes of the next chunk.
  func chunk(at offset: Int64) async throws(BlobSourceFailure) -> [UInt8] {
    switch try await next(at: offset) {
    case .bytes(let chunk): return Array(chunk.readableBytesView)
    case .file(let file, let part):
      do throws(FileError) { return try file.bytes(part) } catch { throw .fill(.store(.file(error))) }
    }
  }
}

extension OpenFile {
  /// Reads a part of the file as it is sent to a client.
  fileprivate func bytes(_ part: Range<Int64>) throws(FileError) -> [UInt8] {
    guard let copy = tmpfile() else { throw FileError("open", "a temporary file", .ioError) }
    defer { fclose(copy) }
    var sent = part.lowerBound
    while sent < part.upperBound, let count = try sendAvailable(sent..<part.upperBound, to: fileno(copy)) {
      sent += count
    }
    var bytes = [UInt8](repeating: 0, count: part.count)
    guard pread(fileno(copy), &bytes, bytes.count, 0) == part.count else { throw FileError("read", path, .ioError) }
    return bytes
  }
}
