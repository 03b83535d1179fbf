internal import ArgumentParser
internal import CFastCGI
internal import Glibc
internal import Logging
internal import RegistryHandler

/// `regproxy-fcgi serve`: answers nginx's requests until it is told to stop.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve FastCGI requests (the default).",
    discussion: """
      Listens on descriptor 0 if that is a listening socket, as spawn-fcgi and systemd pass it, else on 'listen:' of \
      the configuration. TERM, INT and USR1 end it when all answers are finished; HUP rereads the configuration and \
      opens the log file anew.
      """
  )

  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    MemoryAllocator.configure()
    // Before ours: it installs handlers of its own, which are then never called.
    FCGX_Init()
    Signals.block()
    let configuration = try options.load()
    let server: Server
    do {
      server = try Server(configuration)
      try server.start()
    } catch {
      throw ExitCode.failure("\(error)", .system)
    }
    obeySignals(server, configuration)
  }

  private func obeySignals(_ server: Server, _ configuration: Configuration) -> Never {
    var drainTimeout = configuration.drainTimeout
    while true {
      switch Signals.next() {
      case .reload:
        do throws(ConfigurationError) {
          let configuration = try Configuration.load(path: options.path)
          drainTimeout = configuration.drainTimeout
          server.reload(configuration)
        } catch {
          server.keepConfiguration(because: error)
        }
      case .stop:
        server.stop(within: drainTimeout)
        // At once: downloads without readers are on their threads still, and what they leave is a partial file.
        _exit(EXIT_SUCCESS)
      }
    }
  }
}

/// The signals that the worker obeys, taken on one thread; everywhere else they are blocked, as libfcgi gives up a write
/// that a signal interrupts.
enum Signals {
  enum Order {
    case stop
    case reload
  }

  private static func makeSet() -> sigset_t {
    var set = sigset_t()
    sigemptyset(&set)
    for signal in [SIGTERM, SIGINT, SIGUSR1, SIGHUP] { sigaddset(&set, signal) }
    return set
  }

  /// Blocks them in this thread and those it starts. Call before any other thread is there.
  static func block() {
    var set = makeSet()
    pthread_sigmask(SIG_BLOCK, &set, nil)
    signal(SIGPIPE, SIG_IGN)
  }

  /// Waits for the next one. Blocks.
  static func next() -> Order {
    var set = makeSet()
    var number: Int32 = 0
    while sigwait(&set, &number) != 0 {}
    return number == SIGHUP ? .reload : .stop
  }
}
