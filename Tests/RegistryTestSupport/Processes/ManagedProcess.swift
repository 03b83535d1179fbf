import Foundation
import Glibc
import Synchronization

/// A process that a test started, with its output in files; stopped at the latest when the value is released.
package final class ManagedProcess: Sendable {
  /// The way in which a process ended.
  package enum Exit: Equatable, Sendable {
    case code(Int32)
    case signal(Int32)
  }

  package let name: String
  package let pid: Int32
  package let outputFile: String
  package let errorFile: String
  private let leadsGroup: Bool
  private let exit = Mutex<Exit?>(nil)

  private init(name: String, pid: pid_t, outputFile: String, errorFile: String, leadsGroup: Bool) {
    self.name = name
    self.pid = pid
    self.outputFile = outputFile
    self.errorFile = errorFile
    self.leadsGroup = leadsGroup
  }

  /// Starts a process whose output is appended to `<name>.out` and `<name>.err` in the directory.
  package static func start(_ launch: ProcessLaunch, name: String, in directory: String) async throws -> ManagedProcess
  {
    let output = "\(directory)/\(name).out"
    let errors = "\(directory)/\(name).err"
    let pid = try await LauncherThread.shared.run { try launch.start(output: output, errors: errors) }
    return ManagedProcess(
      name: name,
      pid: pid,
      outputFile: output,
      errorFile: errors,
      leadsGroup: launch.leadsGroup
    )
  }

  /// Runs a process to its end and returns its standard output; throws if it fails.
  @discardableResult
  package static func run(
    _ launch: ProcessLaunch,
    in directory: TemporaryDirectory,
    within limit: Duration = .patience
  ) async throws -> String {
    let process = try await start(launch, name: "run-\(UUID().uuidString.prefix(8))", in: directory.path)
    guard try await process.waitForExit(within: limit) == .code(0) else {
      throw ProcessFailure(launch: launch, exit: process.exitIfOver, output: process.diagnostics)
    }
    return process.output
  }

  deinit {
    guard exitIfOver == nil else { return }
    kill(pid, SIGTERM)
    for _ in 0..<200 where exitIfOver == nil { usleep(10_000) }
    if exitIfOver == nil {
      kill(leadsGroup ? -pid : pid, SIGKILL)
      waitpid(pid, nil, 0)
    }
  }

  /// The exit of the process, or nil while it runs.
  package var exitIfOver: Exit? {
    exit.withLock { exit in
      if let exit { return exit }
      var status: Int32 = 0
      guard waitpid(pid, &status, WNOHANG) == pid else { return nil }
      let signal = status & 0x7f
      exit = signal == 0 ? .code((status >> 8) & 0xff) : .signal(signal)
      return exit
    }
  }

  package var isRunning: Bool { exitIfOver == nil }

  /// Sends the process a signal, unless it has ended: its id may belong to another process by now.
  package func send(_ signal: Int32) {
    if isRunning { kill(pid, signal) }
  }

  /// Sends a signal to the process group, as Ctrl-C in a terminal does.
  package func sendToGroup(_ signal: Int32) {
    if isRunning { kill(leadsGroup ? -pid : pid, signal) }
  }

  package func terminate() { send(SIGTERM) }
  package func kill9() { send(SIGKILL) }

  package func waitForExit(within limit: Duration = .patience) async throws -> Exit {
    try await eventuallyValue("\(name) ends", within: limit) { exitIfOver }
  }

  /// Stops the process with SIGTERM, then with SIGKILL after the limit.
  package func stop(within limit: Duration = .patience) async {
    terminate()
    if (try? await waitForExit(within: limit)) == nil {
      sendToGroup(SIGKILL)
      _ = try? await waitForExit()
    }
  }

  package var output: String { Self.text(outputFile) }
  package var errors: String { Self.text(errorFile) }

  /// The end of the output, for the message of a failure.
  package var diagnostics: String { "--- \(name) out\n\(output.suffix(4000))\n--- \(name) err\n\(errors.suffix(4000))" }

  private static func text(_ file: String) -> String {
    (try? Data(contentsOf: URL(fileURLWithPath: file))).map { String(decoding: $0, as: UTF8.self) } ?? ""
  }
}

/// A process that failed but had to succeed.
package struct ProcessFailure: Error, CustomStringConvertible {
  package let launch: ProcessLaunch
  package let exit: ManagedProcess.Exit?
  package let output: String

  package var description: String {
    "\(launch.executable) \(launch.arguments.joined(separator: " ")): \(String(describing: exit))\n\(output)"
  }
}
