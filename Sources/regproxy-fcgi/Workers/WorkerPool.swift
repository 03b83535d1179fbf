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
  private let maximumRequests: Int
  private let descriptorsOfDownloads: @Sendable () -> Int
  private let logger: Logger
  private let exhaustion = LogThrottle()
  private let startedAt = ContinuousClock.now
  /// The number of loops that accept no more.
  private let stoppedLoops = Atomic(0)

  /// - Parameters:
  ///   - loops: the number of event loops.
  ///   - requests: the most requests at once, less the descriptors of downloads; further ones are refused with 503.
  ///   - descriptorsOfDownloads: the descriptors that downloads have now beside those of connections.
  init(
    listener: Int32,
    loops: Int,
    requests: Int,
    descriptorsOfDownloads: @escaping @Sendable () -> Int,
    proxy: CurrentProxy,
    handler: ConnectionHandler,
    logger: Logger
  ) throws(WorkerError) {
    self.listener = listener
    self.maximumRequests = requests
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

  /// Counts a loop that has noticed the stop.
  func noteStopped() { stoppedLoops.add(1, ordering: .releasing) }

  /// Waits until the last request is finished. Blocks.
  /// - Returns: the number of requests still running when the time is over.
  func waitUntilIdle(for limit: Duration) -> Int {
    let deadline = ContinuousClock.now + limit
    while true {
      // A loop may have accepted a connection that it does not count yet.
      let isStopped = stoppedLoops.load(ordering: .acquiring) == executors.count
      let requests = load
      if isStopped && requests == 0 || ContinuousClock.now >= deadline { return requests }
      poll(nil, 0, 20)
    }
  }

  /// The number of unfinished requests.
  private var load: Int { executors.reduce(0) { $0 + $1.load.load(ordering: .relaxed) } }

  /// Indicates whether there are more requests than the worker has descriptors for.
  var isOverloaded: Bool {
    let load = load
    // Far below the limit, as usual, downloads are not counted: that takes a lock which all loops share.
    return load * 8 > maximumRequests && 2 * load + descriptorsOfDownloads() > 2 * maximumRequests
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
