internal import NIOCore
internal import SystemPackage

/// How many bytes the blobs take, as all processes that share the store count it together: a number in a file.
///
/// It may drift, by a crash or by a hand in the store; the evictor sets it right when it has looked at all blobs.
package struct StoreUsage: Sendable {
  /// What a file takes of the disk, in bytes: whole blocks. Upstream may announce any size.
  package static func taken(by size: Int64) -> Int64 { (min(size, .max - 4095) + 4095) & ~4095 }

  private static let digits = 20

  /// More than any disk has: what says more, or less than nothing, has been spoilt. In bytes.
  private static let largest: Int64 = 1 << 60

  private let path: String

  init(path: String) { self.path = path }

  /// The total in bytes; `nil` before the blobs have been counted. Blocks.
  package var total: Int64? {
    guard let file = try? OpenFile(reading: path) else { return nil }
    return read(file)
  }

  /// Counts a blob that comes or goes. Blocks.
  package func add(_ bytes: Int64) { _ = reserve(bytes, upTo: .max) }

  /// Counts a blob if the total then is no more than the limit. Blocks.
  /// - Returns: whether it is; also where the total is not known.
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

  /// Sets the total to what has been counted. Blocks.
  /// - Parameter before: the total when the counting began: what has come and gone meanwhile is added.
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
