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
  private let proxy: CurrentProxy
  private let pool: WorkerPool

  /// Opens everything that serving needs; throws the first failure.
  init(_ configuration: Configuration) throws {
    self.configuration = configuration
    umask(0o027)
    let descriptors = DescriptorLimit.raise()
    logOutput = try LogOutput(path: configuration.log.file)
    logger = Self.makeLogger(configuration.log, logOutput)
    let limit = RequestLimit(descriptors: descriptors, maximum: configuration.requests.max)
    let share = configuration.requests.maxShare
    let store = try Self.openStore(configuration.storeDirectory)
    socket = try ListeningSocket() ?? ListeningSocket(configuration.listen, mode: configuration.socketMode)
    services = ProxyServices(
      store: store,
      limits: configuration.storeLimits,
      bypasses: BypassLimit(percentage: share),
      name: ProxyName(ofStore: configuration.storeDirectory),
      requests: limit.requests,
      share: limit.share(percentage: share),
      client: HTTPUpstreamClient(),
      executor: BlockingExecutor(
        threadCount: min(configuration.threads.max, BlockingExecutor.defaultThreadCount)
      ),
      logger: logger,
      now: { Int64(time(nil)) },
      monotonicNow: Self.monotonicNow
    )
    proxy = CurrentProxy(Self.makeProxy(configuration, services))
    let accessLog = AccessLog(logOutput, format: configuration.log.format, level: configuration.log.level)
    pool = try WorkerPool(
      listener: socket.descriptor,
      loops: WorkerPool.loopCount(maximum: configuration.threads.max),
      limit: limit,
      descriptorsOfDownloads: { [services] in services.descriptorsOfDownloads },
      proxy: proxy,
      handler: ConnectionHandler(accessLog: accessLog, logger: logger),
      logger: logger
    )
  }

  private static let start = ContinuousClock.now

  /// Seconds on a clock that is never set.
  @Sendable private static func monotonicNow() -> Int64 { (ContinuousClock.now - start).components.seconds }

  /// Starts serving.
  func start() throws(WorkerError) {
    try pool.start()
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

  /// Serves with another configuration from now on. Socket, threads, store and log format stay until a restart.
  func reload(_ configuration: Configuration) {
    proxy.replace(with: Self.makeProxy(configuration, services))
    reopenLog()
    logger.notice("configuration reread")
  }

  /// Keeps the configuration in force and logs the error of the new one.
  func keepConfiguration(because error: ConfigurationError) {
    reopenLog()
    logger.error("invalid configuration: the previous one stays in force", metadata: ["error": "\(error)"])
  }

  /// Finishes the requests in progress, then gives up the socket. Blocks.
  func stop(within limit: Duration) {
    pool.stop()
    logger.notice("worker stops")
    let left = pool.waitUntilIdle(for: limit)
    socket.removeFile()
    if left > 0 { logger.warning("requests cut off at the drain time-out", metadata: ["requests": "\(left)"]) }
    logger.notice("worker stopped")
  }

  private static func makeLogger(_ log: Configuration.Log, _ output: LogOutput) -> Logger {
    Logger(label: "regproxy") { _ in LineLogHandler(output, format: log.format, level: log.level) }
  }

  /// Opens the store; on failure, the error names the user, the directory and the missing right.
  private static func openStore(_ directory: String) throws -> Store {
    do {
      return try Store(directory: directory)
    } catch {
      if case .refused(let refusal) = StoreAccess(to: directory) { throw refusal }
      throw error
    }
  }

  private func reopenLog() {
    do throws(LogError) {
      try logOutput.reopen()
    } catch {
      logger.error("log file not reopened", metadata: ["error": "\(error)"])
    }
  }

  private static func makeProxy(_ configuration: Configuration, _ services: ProxyServices) -> RegistryProxy {
    RegistryProxy(
      upstreams: configuration.upstreamTable,
      services: services,
      delivery: configuration.delivery,
      recentHits: RecentHits(now: { Int64(time(nil)) }, monotonicNow: Self.monotonicNow)
    )
  }
}
