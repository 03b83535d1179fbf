internal import FoundationEssentials

@testable internal import RegistryHandler

/// A directory that is gone when nobody holds it any more.
final class TemporaryDirectory: Sendable {
  let path: String

  init() throws {
    let url = FileManager.default.temporaryDirectory.appending(path: "registry-handler-\(UUID().uuidString)")
    try FileManager.default.createDirectory(at: url, withIntermediateDirectories: true)
    path = url.path
  }

  deinit { try? FileManager.default.removeItem(atPath: path) }

  /// - Parameter now: seconds since 1970.
  func makeStore(now: @escaping @Sendable () -> Int64 = { 1_700_000_000 }) throws -> Store {
    try Store(directory: "\(path)/store", now: now)
  }

  /// Writes a file behind the store's back.
  func write(_ bytes: [UInt8], to path: String) throws {
    let directory = FileSystem.parent(of: path)
    try FileManager.default.createDirectory(atPath: directory, withIntermediateDirectories: true)
    try Data(bytes).write(to: URL(filePath: path))
  }

  func exists(_ path: String) -> Bool { FileManager.default.fileExists(atPath: path) }

  /// The names of the files below a directory, as paths.
  func files(below path: String) -> [String] {
    let names = (try? FileManager.default.subpathsOfDirectory(atPath: path)) ?? []
    return names.map { "\(path)/\($0)" }.filter { FileSystem().size(of: $0) != nil }.sorted()
  }
}
