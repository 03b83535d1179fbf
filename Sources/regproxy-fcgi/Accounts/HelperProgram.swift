internal import FoundationEssentials
internal import Glibc

/// One run of a program with a text for its input.
enum HelperProgram {
  /// The reason why a run brought nothing; it contains nothing that the program printed, which may be a secret.
  enum Failure: Error, Equatable, CustomStringConvertible {
    case notStarted(Int32)
    case timedOut
    case ended(status: Int32)
    case tooMuchOutput

    var description: String {
      switch self {
      case .notStarted(ENOENT): "is not in PATH: install it"
      case .notStarted(let code): "cannot be started: \(String(cString: strerror(code)))"
      case .timedOut: "did not end in time, and was killed"
      case .ended(let status): "failed with status \(status): run it by hand as the worker's user"
      case .tooMuchOutput: "printed too much"
      }
    }
  }

  private static let maximumOutput = 256 << 10

  /// Runs a program of `PATH` and returns what it prints. Blocks, at most for the time and a moment.
  static func run(
    _ program: String,
    _ argument: String,
    input: String,
    within limit: Duration
  ) -> Result<[UInt8], Failure> {
    // A socket for both input and output: unlike pipes, it is never open in another program that starts meanwhile.
    var ends: [Int32] = [-1, -1]
    guard socketpair(AF_UNIX, Int32(SOCK_STREAM.rawValue | SOCK_CLOEXEC.rawValue), 0, &ends) == 0 else {
      return .failure(.notStarted(errno))
    }
    let (own, its) = (ends[0], ends[1])
    defer { close(own) }
    let process = spawn(program, argument, its)
    close(its)
    switch process {
    case .failure(let failure): return .failure(failure)
    case .success(let id):
      let bytes = Array(input.utf8)
      // The name of a server fits into the socket at once.
      _ = send(own, bytes, bytes.count, Int32(MSG_NOSIGNAL))
      shutdown(own, Int32(SHUT_WR))
      let output = read(own, until: .now + limit)
      if case .failure = output { kill(id, SIGKILL) }
      let status = wait(for: id, until: .now + limit)
      guard case .success = output else { return output }
      return status == 0 ? output : .failure(.ended(status: status))
    }
  }

  private static func spawn(_ program: String, _ argument: String, _ socket: Int32) -> Result<pid_t, Failure> {
    var actions = posix_spawn_file_actions_t()
    posix_spawn_file_actions_init(&actions)
    defer { posix_spawn_file_actions_destroy(&actions) }
    posix_spawn_file_actions_adddup2(&actions, socket, STDIN_FILENO)
    posix_spawn_file_actions_adddup2(&actions, socket, STDOUT_FILENO)
    // A message of the program may contain a secret, and does not belong into the worker's log.
    posix_spawn_file_actions_addopen(&actions, STDERR_FILENO, "/dev/null", O_WRONLY, 0)
    var attributes = posix_spawnattr_t()
    posix_spawnattr_init(&attributes)
    defer { posix_spawnattr_destroy(&attributes) }
    // The worker blocks the signals that it waits for.
    var none = sigset_t()
    sigemptyset(&none)
    posix_spawnattr_setsigmask(&attributes, &none)
    posix_spawnattr_setflags(&attributes, Int16(POSIX_SPAWN_SETSIGMASK))
    var arguments: [UnsafeMutablePointer<CChar>?] = [strdup(program), strdup(argument), nil]
    var environment = ProcessInfo.processInfo.environment.map { strdup("\($0.key)=\($0.value)") } + [nil]
    defer { (arguments + environment).forEach { free($0) } }
    var id: pid_t = 0
    let code = posix_spawnp(&id, program, &actions, &attributes, &arguments, &environment)
    return code == 0 ? .success(id) : .failure(.notStarted(code))
  }

  private static func read(_ descriptor: Int32, until deadline: ContinuousClock.Instant) -> Result<[UInt8], Failure> {
    var output: [UInt8] = []
    var buffer = [UInt8](repeating: 0, count: 16 << 10)
    while true {
      let left = (deadline - .now) / .milliseconds(1)
      guard left > 0 else { return .failure(.timedOut) }
      var waiting = pollfd(fd: descriptor, events: Int16(POLLIN), revents: 0)
      guard poll(&waiting, 1, Int32(left) + 1) > 0 else { continue }
      let count = Glibc.read(descriptor, &buffer, buffer.count)
      if count == 0 { return .success(output) }
      if count > 0 { output += buffer.prefix(count) }
      guard output.count <= maximumOutput else { return .failure(.tooMuchOutput) }
    }
  }

  /// Waits for the end of a process, and kills it at the deadline.
  private static func wait(for id: pid_t, until deadline: ContinuousClock.Instant) -> Int32 {
    var status: Int32 = 0
    while waitpid(id, &status, WNOHANG) == 0 {
      if .now >= deadline { kill(id, SIGKILL) }
      poll(nil, 0, 5)
    }
    // The exit status, or the signal as shells number it.
    return status & 0x7F == 0 ? (status >> 8) & 0xFF : 128 + (status & 0x7F)
  }
}
