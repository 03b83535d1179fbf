internal import ArgumentParser
internal import CFastCGI
internal import Glibc
internal import Logging
internal import RegistryHandler

/// `regproxy-fcgi serve`: serves nginx's requests until a signal stops the worker.
struct Serve: ParsableCommand {
  static let configuration = CommandConfiguration(
    abstract: "Serve FastCGI requests (the default).",
    discussion: """
      Listens on descriptor 0 if it is a listening socket, as passed by spawn-fcgi and systemd, else on 'listen:' of \
      the configuration. TERM, INT and USR1 stop the worker after its requests in progress; HUP rereads the \
      configuration and reopens the log file.
      """
  )

  @OptionGroup var options: ConfigurationOptions

  func run() throws {
    MemoryAllocator.configure()
    // Before our own: libfcgi installs signal handlers, which are then never called.
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
        // At once: downloads without readers may still run on their threads; each leaves a partial file.
        _exit(EXIT_SUCCESS)
      }
    }
  }
}
