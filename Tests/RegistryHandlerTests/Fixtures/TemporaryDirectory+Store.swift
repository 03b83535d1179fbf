internal import FoundationEssentials
internal import RegistryTestSupport

@testable internal import RegistryHandler

extension TemporaryDirectory {
  /// Creates a store inside.
  /// - Parameter now: the time of the store's clock, in seconds since 1970.
  func makeStore(now: @escaping @Sendable () -> Int64 = { 1_700_000_000 }) throws -> Store {
    try Store(directory: "\(path)/store", now: now)
  }

  /// Writes a file behind the store's back.
  func write(_ bytes: [UInt8], to path: String) throws {
    let directory = FileSystem.parent(of: path)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: path))
  }

  /// - Parameter seconds: since 1970.
  func setModificationTime(of path: String, to seconds: Int64) throws {
    let time = Date(timeIntervalSince1970: Double(seconds))
    try FileManager.default.setAttributes([.modificationDate: time], ofItemAtPath: path)
  }

  /// Returns the modification time in seconds since 1970.
  func modificationTime(of path: String) throws -> Int64? {
    let time = try FileManager.default.attributesOfItem(atPath: path)[.modificationDate] as? Date
    return time.map { Int64($0.timeIntervalSince1970) }
  }

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// Returns the paths of the files below a directory.
  func files(below path: String) -> [String] {
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
    return names.map { "\(path)/\($0)" }.filter { FileSystem().size(of: $0) != nil }.sorted()
  }
}
