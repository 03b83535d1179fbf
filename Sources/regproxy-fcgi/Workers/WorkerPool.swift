internal import Glibc
internal import Logging
internal import RegistryHandler
internal import Synchronization

/// The event loops that serve requests: a few threads, and as many connections as there are descriptors for.
final class WorkerPool: Sendable {
  /// The number of event loops of a worker: enough to keep all processors busy while some wait for a disk.
  /// - Parameter maximum: the bound on threads that work.
  static func loopCount(maximum: Int) -> Int { max(1, min(maximum, 2 * sysconf(Int32(_SC_NPROCESSORS_ONLN)))) }

  /// The number of connections by which a loop may exceed the least busy one before it hands new ones over.
  private static let imbalance = 4

  let listener: Int32
  let proxy: CurrentProxy
  let handler: ConnectionHandler
  let stopSignal: WakeupDescriptor
  private let executors: [LoopExecutor]
  private let limit: RequestLimit
  private let descriptorsOfDownloads: @Sendable () -> Int
  private let logger: Logger
  private let exhaustion = LogThrottle()
  private let startedAt = ContinuousClock.now
  /// The number of loops that accept no more.
  private let stoppedLoops = Atomic(0)
  /// The number of connections that wait for a further request.
  private let idleConnections = Atomic(0)

  /// The longest time that a connection is kept without a request: more than nginx keeps it, so that nginx closes it.
  /// <https://nginx.org/en/docs/http/ngx_http_upstream_module.html#keepalive_timeout>
  private static let idleTimeout: Duration = .seconds(120)

  /// - Parameters:
  ///   - loops: the number of event loops.
  ///   - limit: of the requests at once; further ones are refused with 503.
  ///   - descriptorsOfDownloads: the descriptors that downloads have now beside those of connections.
  init(
    listener: Int32,
    loops: Int,
    limit: RequestLimit,
    descriptorsOfDownloads: @escaping @Sendable () -> Int,
    proxy: CurrentProxy,
    handler: ConnectionHandler,
    logger: Logger
  ) throws(WorkerError) {
    self.listener = listener
    self.limit = limit
    self.descriptorsOfDownloads = descriptorsOfDownloads
    self.proxy = proxy
    self.handler = handler
    self.logger = logger
    self.stopSignal = try WakeupDescriptor()
    var executors: [LoopExecutor] = []
    for _ in 0..<loops { executors.append(try LoopExecutor()) }
    self.executors = executors
  }

  /// Starts the event loops.
  func start() throws(WorkerError) {
    for executor in executors {
      let isStarted = OSThread.start { [self] in
        do throws(WorkerError) {
          try EventLoop(self, executor).run()
        } catch {
          // A supervisor restarts the process, while without a loop it only looks alive.
          logger.critical("no event loop: the process exits", metadata: ["error": "\(error)"])
          _exit(EX_OSERR)
        }
      }
      guard isStarted else { throw .noThread }
    }
  }

  /// Stops accepting. Requests in progress continue; queued connections are left to other processes on the socket.
  func stop() { stopSignal.signal() }

  /// Indicates whether the worker accepts no more and keeps no connection.
  var isStopping: Bool { stopSignal.isSignalled }

  /// Counts a loop that has noticed the stop.
  func noteStopped() { stoppedLoops.add(1, ordering: .releasing) }

  /// Waits until the last request is finished. Blocks.
  /// - Returns: the number of requests still running when the time is over.
  func waitUntilIdle(for limit: Duration) -> Int {
    let deadline = ContinuousClock.now + limit
    while true {
      // A loop may have accepted a connection that it does not count yet.
      let isStopped = stoppedLoops.load(ordering: .acquiring) == executors.count
      let connections = connectionCount
      if isStopped && connections == 0 || ContinuousClock.now >= deadline { return connections }
      poll(nil, 0, 20)
    }
  }

  /// The number of connections, with a request or idle.
  private var connectionCount: Int { executors.reduce(0) { $0 + $1.load.load(ordering: .relaxed) } }

  /// Keeps a connection until a further request arrives; returns false where it is to be closed.
  ///
  /// Idle connections take descriptors that requests may need, so their number is limited too.
  func keep(_ connection: Connection) async -> Bool {
    let count = idleConnections.add(1, ordering: .relaxed).newValue
    defer { idleConnections.subtract(1, ordering: .relaxed) }
    // nginx may have sent the next request already, which a close would lose.
    guard count <= limit.idleConnections, !isStopping else { return connection.hasInput }
    return await connection.waitForRequest(atMost: Self.idleTimeout)
  }

  /// The load by which requests are admitted.
  var requestLoad: RequestLoad {
    let idle = idleConnections.load(ordering: .relaxed)
    return limit.load(
      requests: connectionCount - idle,
      idle: idle,
      descriptorsOfDownloads: descriptorsOfDownloads
    )
  }

  /// Chooses the loop for a new connection, and counts the connection there.
  /// - Parameter own: the loop that has accepted it, which is the fastest one if it is not busier than others.
  func place(near own: LoopExecutor) -> LoopExecutor {
    var target = own
    var least = own.load.load(ordering: .relaxed) - Self.imbalance
    for executor in executors {
      let load = executor.load.load(ordering: .relaxed)
      if load < least { (target, least) = (executor, load) }
    }
    target.load.add(1, ordering: .relaxed)
    return target
  }

  func logExhaustion(_ message: Logger.Message, _ reason: String) {
    guard exhaustion.isDue(at: ContinuousClock.now - startedAt) else { return }
    logger.error(message, metadata: ["error": "\(reason): raise 'LimitNOFILE=' or 'ulimit -Hn'"])
  }
}
