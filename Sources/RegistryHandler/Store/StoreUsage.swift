internal import NIOCore
internal import SystemPackage

/// The number of bytes that the blobs take, in a file that all processes that share the store update.
///
/// The number may drift after a crash or a change from outside; the evictor corrects it with each scan of all blobs.
package struct StoreUsage: Sendable {
  /// The space that a file takes on the disk, in bytes: whole blocks. Clamped, since upstream may announce any size.
  package static func taken(by size: Int64) -> Int64 { (min(size, .max - 4095) + 4095) & ~4095 }

  private static let digits = 20

  /// The largest valid total, in bytes, more than any disk has: a file with a larger or a negative total is corrupt.
  private static let largest: Int64 = 1 << 60

  private let path: String

  init(path: String) { self.path = path }

  /// The total in bytes; `nil` before the first scan. Blocks.
  package var total: Int64? {
    guard let file = try? OpenFile(reading: path) else { return nil }
    return read(file)
  }

  /// Counts bytes that are added or, where negative, removed. Blocks.
  package func add(_ bytes: Int64) { _ = reserve(bytes, upTo: .max) }

  /// Counts bytes unless the total would exceed the limit. Blocks.
  /// - Returns: false if the total would exceed the limit; true where the total is unknown.
  package func reserve(_ bytes: Int64, upTo limit: Int64) -> Bool {
    guard let file = try? OpenFile(path, .readWrite, [.closeOnExec, .noFollow]) else { return true }
    file.lock()
    defer { file.unlock() }
    guard let total = read(file) else { return true }
    let (sum, isTooLarge) = total.addingReportingOverflow(bytes)
    guard !isTooLarge, bytes <= 0 || sum <= limit else { return false }
    try? write(max(0, sum), to: file)
    return true
  }

  /// Sets the total to the result of a scan. Blocks.
  /// - Parameter before: the total when the scan began: the changes since then are added.
  package func set(_ bytes: Int64, before: Int64?) throws(FileError) {
    let file = try OpenFile(path, .readWrite, [.create, .closeOnExec, .noFollow])
    file.lock()
    defer { file.unlock() }
    let meanwhile = before.flatMap { before in read(file).map { $0.subtractingClamped(before) } } ?? 0
    try write(max(0, bytes.addingClamped(meanwhile)), to: file)
  }

  private func read(_ file: OpenFile) -> Int64? {
    var bytes = [UInt8](repeating: 0, count: Self.digits)
    guard
      let count = try? bytes.withUnsafeMutableBytes({ buffer throws(FileError) in try file.read(into: buffer, at: 0) }
      ),
      count == Self.digits
    else { return nil }
    let total = Int64(String(decoding: bytes.drop { $0 == UInt8(ascii: " ") }, as: UTF8.self))
    return total.flatMap { (0...Self.largest).contains($0) ? $0 : nil }
  }

  private func write(_ total: Int64, to file: OpenFile) throws(FileError) {
    let text = String(total)
    try file.write(Array((String(repeating: " ", count: Self.digits - text.utf8.count) + text + "\n").utf8))
  }
}
