internal import Glibc
internal import Logging
internal import RegistryHandler
internal import Synchronization

/// The threads that serve requests, one request each: more while all are busy, fewer when idle.
final class WorkerPool: Sendable {
  private struct State {
    var threads = 0
    var isStopping = false
  }

  /// The time until an idle thread above the minimum ends, in milliseconds.
  private static let idleTimeout: Int32 = 30_000

  private let listener: Int32
  private let limits: WorkerLimits
  private let proxy: CurrentProxy
  private let handler: ConnectionHandler
  private let logger: Logger
  private let stopSignal: WakeupDescriptor
  private let state = Mutex(State())
  /// The number of threads that wait for a connection; outside the state, as every request changes it.
  private let idleCount = Atomic<Int>(0)
  private let exhaustion = LogThrottle()
  private let startedAt = ContinuousClock.now

  init(
    listener: Int32,
    limits: WorkerLimits,
    proxy: CurrentProxy,
    handler: ConnectionHandler,
    logger: Logger
  ) throws(WorkerError) {
    self.listener = listener
    self.limits = limits
    self.proxy = proxy
    self.handler = handler
    self.logger = logger
    self.stopSignal = try WakeupDescriptor()
  }

  /// Starts the minimum number of threads.
  /// - Returns: whether any thread runs.
  func start() -> Bool {
    for _ in 0..<limits.min { addThread() }
    return state.withLock(\.threads) > 0
  }

  /// Stops accepting. Requests in progress continue; queued connections are left to other processes on the socket.
  func stop() {
    state.withLock { $0.isStopping = true }
    stopSignal.signal()
  }

  /// Waits until the last request is finished. Blocks.
  /// - Returns: the number of threads still running when the time is over.
  func waitUntilIdle(for limit: Duration) -> Int {
    let deadline = ContinuousClock.now + limit
    while true {
      let threads = state.withLock(\.threads)
      if threads == 0 || ContinuousClock.now >= deadline { return threads }
      poll(nil, 0, 20)
    }
  }

  private func addThread() {
    let isAllowed = state.withLock { state in
      guard !state.isStopping, state.threads < limits.max else { return false }
      state.threads += 1
      return true
    }
    guard isAllowed else { return }
    idleCount.add(1, ordering: .relaxed)
    if !OSThread.start({ [self] in run() }) {
      removeIdleThread()
      logger.warning("the system starts no further thread: raise its process limit")
    }
  }

  /// Removes an idle thread from the counts if it is above the minimum and another thread stays to accept.
  /// - Returns: whether the thread was removed.
  private func leaveIfSurplus() -> Bool {
    let idle = idleCount.load(ordering: .relaxed)
    // Accepting threads add threads: if the last one left, no thread would ever be added again.
    guard idle > 1,
      idleCount.compareExchange(expected: idle, desired: idle - 1, ordering: .relaxed).exchanged
    else { return false }
    let isSurplus = state.withLock { state in
      guard state.threads > limits.min else { return false }
      state.threads -= 1
      return true
    }
    if !isSurplus { idleCount.add(1, ordering: .relaxed) }
    return isSurplus
  }

  private func removeIdleThread() {
    idleCount.subtract(1, ordering: .relaxed)
    state.withLock { $0.threads -= 1 }
  }

  /// Serves connections on one thread until the thread is to end.
  private func run() {
    do throws(WorkerError) {
      let executor = try ThreadExecutor()
      let acceptor = try ConnectionAcceptor(listener: listener, stop: stopSignal)
      var snapshot = proxy.makeSnapshot()
      while let connection = next(from: acceptor) {
        proxy.update(&snapshot)
        if ConnectionAcceptor.hasHungUp(connection) {
          close(connection)
        } else {
          executor.run(watching: connection) { [handler, proxy = snapshot.proxy] in
            await handler.serve(connection, with: proxy)
          }
        }
        idleCount.add(1, ordering: .relaxed)
      }
    } catch {
      logExhaustion("no further worker thread", error.description)
      removeIdleThread()
      exitIfNoThreadIsLeft()
    }
  }

  /// Ends the process if no thread can serve: a supervisor restarts it, while without threads it only looks alive.
  private func exitIfNoThreadIsLeft() {
    guard state.withLock({ $0.threads == 0 && !$0.isStopping }) else { return }
    logger.critical("no worker thread is left: the process exits")
    _exit(EX_OSERR)
  }

  private func logExhaustion(_ message: Logger.Message, _ reason: String) {
    guard exhaustion.isDue(at: ContinuousClock.now - startedAt) else { return }
    let remedy = "raise 'LimitNOFILE=' or 'ulimit -Hn', or lower 'threads.max'"
    logger.error(message, metadata: ["error": "\(reason): \(remedy)"])
  }

  /// Waits for a connection; `nil` if the thread is to end, which is then no longer counted. Blocks.
  private func next(from acceptor: ConnectionAcceptor) -> Int32? {
    while true {
      switch acceptor.next(timeout: Self.idleTimeout) {
      case .connection(let connection):
        if idleCount.subtract(1, ordering: .relaxed).newValue == 0 { addThread() }
        return connection
      case .stopped:
        removeIdleThread()
        return nil
      case .idle:
        if leaveIfSurplus() { return nil }
      case .exhausted(let code):
        logExhaustion("no connection accepted", String(cString: strerror(code)))
        // The connection stays queued; an immediate retry would only burn the processor.
        poll(nil, 0, 100)
      }
    }
  }
}
