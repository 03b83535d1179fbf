import Glibc

/// A small file system in memory, mounted where a test needs one.
package final class SmallDisk: Sendable {
  private let path: String
  private let directory: TemporaryDirectory

  /// Mounts the file system; needs root, or sudo without a password.
  /// - Parameter options: of tmpfs, such as `size=8m` or `nr_inodes=20`.
  package init(at path: String, options: String, in directory: TemporaryDirectory) async throws {
    self.path = path
    self.directory = directory
    try await Self.run("mount", ["-t", "tmpfs", "-o", options, "tmpfs", path], directory)
    _ = chmod(path, 0o755)
  }

  /// Changes mount options, like an operator making room.
  package func remount(_ options: String) async throws {
    try await Self.run("mount", ["-o", "remount,\(options)", path], directory)
  }

  /// Returns the free space in bytes.
  package func freeSpace() throws -> Int {
    var status = statvfs()
    guard statvfs(path, &status) == 0 else { throw SystemCallError("statvfs") }
    return Int(status.f_bavail * status.f_frsize)
  }

  /// Unmounts the file system; files that are open stay usable.
  package func unmount() async throws { try await Self.run("umount", ["-l", path], directory) }

  private static func run(_ command: String, _ arguments: [String], _ directory: TemporaryDirectory) async throws {
    let launch =
      getuid() == 0 ? ProcessLaunch(command, arguments) : ProcessLaunch("sudo", ["-n", command] + arguments)
    try await ManagedProcess.run(launch, in: directory)
  }
}
