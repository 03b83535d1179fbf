internal import Foundation
internal import Glibc
internal import RegistryTestSupport
internal import Testing

extension IntegrationTests {
  struct InstallTests {
    /// The path of the script, which is beside the directory of this file.
    private var script: String {
      URL(fileURLWithPath: #filePath).deletingLastPathComponent().deletingLastPathComponent()
        .appendingPathComponent("Install/try-readme").path
    }

    @Test func `README's installation works, after a reboot and without spawn-fcgi too`() async throws {
      let directory = try TemporaryDirectory()
      let worker = try Executable.worker()
      let launch =
        getuid() == 0 ? ProcessLaunch(script, [worker]) : ProcessLaunch("sudo", ["-n", script, worker])
      let process = try await ManagedProcess.start(launch, name: "install", in: directory.path)
      // The script ends by itself within ten minutes.
      let exit = try await process.waitForExit(within: .seconds(660))
      #expect(exit == .code(0), "\(process.diagnostics)")
    }
  }
}
