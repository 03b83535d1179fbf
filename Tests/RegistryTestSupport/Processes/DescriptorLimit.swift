import Foundation

/// A lowered descriptor limit of a running process.
package final class DescriptorLimit: Sendable {
  private let pid: Int32
  private let usual: String
  private let directory: TemporaryDirectory

  /// - Parameter free: how many descriptors the process may still open.
  package init(of process: ManagedProcess, free: Int, in directory: TemporaryDirectory) async throws {
    pid = process.pid
    self.directory = directory
    let open = Set(try FileManager.default.contentsOfDirectory(atPath: "/proc/\(pid)/fd").compactMap { Int($0) })
    // The limit bounds descriptor numbers, and the kernel takes the lowest free one first.
    let limit = Array((0...).lazy.filter { !open.contains($0) }.prefix(free + 1))[free]
    usual = try await Self.run(["--noheadings", "--output=SOFT", "--nofile"], pid, directory)
    try await set("\(limit)")
  }

  /// Restores the limit that the process had before.
  package func lift() async throws { try await set(usual) }

  private func set(_ limit: String) async throws { _ = try await Self.run(["--nofile=\(limit):"], pid, directory) }

  private static func run(_ arguments: [String], _ pid: Int32, _ directory: TemporaryDirectory) async throws -> String {
    try await ManagedProcess.run(ProcessLaunch("prlimit", ["--pid=\(pid)"] + arguments), in: directory)
      .trimmingCharacters(in: .whitespacesAndNewlines)
  }
}
