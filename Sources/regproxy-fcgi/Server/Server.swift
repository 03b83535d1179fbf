internal import Glibc
internal import Logging
internal import RegistryHandler

/// A running worker: socket, threads, store and upstreams put together.
struct Server: Sendable {
  private let configuration: Configuration
  private let logOutput: LogOutput
  private let logger: Logger
  private let socket: ListeningSocket
  private let services: ProxyServices
  private let handler: ConnectionHandler
  private let pool: WorkerPool

  /// Opens everything that serving needs; throws the first that is not to be had.
  init(_ configuration: Configuration) throws {
    self.configuration = configuration
    umask(0o027)
    let descriptors = Self.raiseDescriptorLimit()
    let output = try LogOutput(path: configuration.log.file)
    logOutput = output
    logger = Logger(label: "regproxy") { _ in
      LineLogHandler(output, format: configuration.log.format, level: configuration.log.level)
    }
    let threads = configuration.threads.fitting(descriptors: descriptors)
    if threads.max < configuration.threads.max {
      logger.warning(
        """
        fewer threads than 'threads.max' allows: each may take five descriptors; \
        raise 'LimitNOFILE=' or 'ulimit -Hn', or lower 'threads.max'
        """,
        metadata: ["threads.max": "\(threads.max)", "descriptors": "\(descriptors)"]
      )
    }
    let store = try Self.openStore(configuration.storeDirectory)
    socket = try ListeningSocket() ?? ListeningSocket(configuration.listen, mode: configuration.socketMode)
    services = ProxyServices(
      store: store,
      limits: configuration.storeLimits,
      name: ProxyName(ofStore: configuration.storeDirectory),
      threads: threads.max,
      client: HTTPUpstreamClient(),
      executor: BlockingExecutor(),
      logger: logger,
      now: { Int64(time(nil)) },
      monotonicNow: { [start = ContinuousClock.now] in (ContinuousClock.now - start).components.seconds }
    )
    handler = ConnectionHandler(
      Self.makeProxy(configuration, services),
      requestLog: AccessLog(output, format: configuration.log.format, level: configuration.log.level),
      logger: logger
    )
    pool = try WorkerPool(
      listener: socket.descriptor,
      limits: threads,
      handler: handler,
      logger: logger
    )
  }

  /// Serves from now on.
  func start() throws(WorkerError) {
    guard pool.start() else { throw .noThread }
    StoreMaintenance(services.evictor).start()
    MemoryAllocator.startTrimming()
    if case .refused(let refusal) = StoreAccess(to: configuration.storeDirectory) {
      logger.warning("the store cannot be written", metadata: ["error": "\(refusal)"])
    }
    logger.notice(
      "worker started",
      metadata: ["version": "\(Version.current)", "store.directory": "\(configuration.storeDirectory)"]
    )
  }

  /// Answers from now on by another configuration. Socket, threads, store and log format stay until a restart.
  func reload(_ configuration: Configuration) {
    handler.replaceProxy(with: Self.makeProxy(configuration, services))
    reopenLog()
    logger.notice("configuration reread")
  }

  func keepConfiguration(because error: ConfigurationError) {
    reopenLog()
    logger.error("the configuration is wrong, the old one stays in force", metadata: ["error": "\(error)"])
  }

  /// Finishes the answers in work, then gives the socket up. Blocks.
  func stop(within limit: Duration) {
    logger.notice("worker stops")
    pool.stop()
    let left = pool.waitUntilIdle(for: limit)
    socket.removeFile()
    if left > 0 { logger.warning("answers cut at the drain time-out", metadata: ["threads": "\(left)"]) }
    logger.notice("worker stopped")
  }

  /// Opens the store; where that fails, the error says who may not do what.
  private static func openStore(_ directory: String) throws -> Store {
    do {
      return try Store(directory: directory)
    } catch {
      if case .refused(let refusal) = StoreAccess(to: directory) { throw refusal }
      throw error
    }
  }

  /// Takes as many descriptors as the system allows: a stream needs three, and the usual soft limit is 1024.
  /// - Returns: how many the process may have.
  private static func raiseDescriptorLimit() -> Int {
    let resource = __rlimit_resource_t(RLIMIT_NOFILE.rawValue)
    var limit = rlimit()
    guard getrlimit(resource, &limit) == 0 else { return .max }
    limit.rlim_cur = limit.rlim_max
    setrlimit(resource, &limit)
    guard getrlimit(resource, &limit) == 0 else { return .max }
    return Int(clamping: limit.rlim_cur)
  }

  private func reopenLog() {
    do throws(LogError) {
      try logOutput.reopen()
    } catch {
      logger.error("log file not opened anew", metadata: ["error": "\(error)"])
    }
  }

  private static func makeProxy(_ configuration: Configuration, _ services: ProxyServices) -> RegistryProxy {
    RegistryProxy(upstreams: configuration.upstreamTable, services: services, delivery: configuration.delivery)
  }
}
