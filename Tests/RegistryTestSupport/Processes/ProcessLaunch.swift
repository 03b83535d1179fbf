import Foundation
import Glibc

/// The command, environment and standard input of a process to start.
package struct ProcessLaunch: Sendable {
  package var executable: String
  package var arguments: [String]
  package var environment: [String: String]
  /// The descriptor 0 of the process; `/dev/null` if nil.
  package var standardInput: Int32?
  /// Indicates whether the process leads its own group, like one started by a shell.
  package var leadsGroup = false

  /// - Parameter executable: a path, or a name to find in the usual directories.
  package init(_ executable: String, _ arguments: [String] = [], environment: [String: String] = [:]) {
    self.executable = executable
    self.arguments = arguments
    self.environment = environment
  }

  /// Few variables of the tests' environment: a proxy or registry configuration there must not affect the processes.
  private var completeEnvironment: [String: String] {
    let own = ProcessInfo.processInfo.environment
    var all = ["LANG": "C.UTF-8", "PATH": Executable.searchPath]
    for name in ["LD_LIBRARY_PATH", "HOME", "LLVM_PROFILE_FILE", "ASAN_OPTIONS", "LSAN_OPTIONS", "TSAN_OPTIONS"] {
      all[name] = own[name]
    }
    return all.merging(environment) { _, given in given }
  }

  /// Blocks until the process is executed with its output in the two files, and returns its id.
  func start(output: String, errors: String) throws -> pid_t {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    if let standardInput {
      posix_spawn_file_actions_adddup2(&actions, standardInput, 0)
    } else {
      posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDONLY, 0)
    }
    let append = O_WRONLY | O_CREAT | O_APPEND
    posix_spawn_file_actions_addopen(&actions, 1, output, append, 0o644)
    posix_spawn_file_actions_addopen(&actions, 2, errors, append, 0o644)

    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    var signals = sigset_t()
    sigemptyset(&signals)
    posix_spawnattr_setsigmask(&attributes, &signals)
    sigfillset(&signals)
    posix_spawnattr_setsigdefault(&attributes, &signals)
    var flags = POSIX_SPAWN_SETSIGMASK | POSIX_SPAWN_SETSIGDEF
    if leadsGroup { flags |= POSIX_SPAWN_SETPGROUP }
    posix_spawnattr_setflags(&attributes, Int16(flags))

    var command = [try Executable.find(executable)] + arguments
    // If the tests are killed, the process gets SIGTERM. Its id stays the same: setpriv executes the command.
    if let setpriv = try? Executable.find("setpriv") { command = [setpriv, "--pdeathsig", "TERM", "--"] + command }

    let argv = command.map { strdup($0) } + [nil]
    let envp = completeEnvironment.map { strdup("\($0)=\($1)") } + [nil]
    defer { for pointer in argv + envp { free(pointer) } }
    var pid = pid_t()
    let code = posix_spawn(&pid, command[0], &actions, &attributes, argv, envp)
    guard code == 0 else { throw SystemCallError("posix_spawn \(command[0])", code: code) }
    return pid
  }
}
