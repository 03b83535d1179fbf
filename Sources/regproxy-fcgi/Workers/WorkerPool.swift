internal import Glibc
internal import Logging
internal import RegistryHandler
internal import Synchronization

/// The threads that serve requests, one request each: more while all are busy, fewer when they idle.
final class WorkerPool: Sendable {
  struct Limits: Equatable, Sendable {
    var min: Int
    var max: Int

    /// What a thread takes: its epoll, its wake-up and its connection, and a download's partial file and connection upstream.
    private static let descriptorsPerThread = 5

    /// Sockets, log, event loops, connections that are kept upstream.
    private static let otherDescriptors = 64

    /// As many as have what they need, and one at least: a connection that is accepted without the descriptors to answer it
    /// fails, where in nginx's queue it would only wait.
    /// - Parameter descriptors: how many the process may have.
    func fitting(descriptors: Int) -> Limits {
      let most = Swift.max(1, (descriptors - Self.otherDescriptors) / Self.descriptorsPerThread)
      return Limits(min: Swift.min(min, most), max: Swift.min(max, most))
    }
  }

  private struct State {
    var threads = 0
    var isStopping = false
  }

  /// A thread that had nothing to do for so long ends, if there are more than the minimum. In milliseconds.
  private static let idleTimeout: Int32 = 30_000

  private let listener: Int32
  private let limits: Limits
  private let handler: ConnectionHandler
  private let logger: Logger
  private let stopSignal: WakeupDescriptor
  private let state = Mutex(State())
  /// Threads that wait for a connection. Apart from the state, as every request changes it.
  private let idleCount = Atomic<Int>(0)
  private let exhaustion = LogThrottle()
  private let startedAt = ContinuousClock.now

  init(listener: Int32, limits: Limits, handler: ConnectionHandler, logger: Logger) throws(WorkerError) {
    self.listener = listener
    self.limits = limits
    self.handler = handler
    self.logger = logger
    self.stopSignal = try WakeupDescriptor()
  }

  /// Starts the threads that are always there.
  /// - Returns: whether there is any.
  func start() -> Bool {
    for _ in 0..<limits.min { addThread() }
    return state.withLock(\.threads) > 0
  }

  /// Accepts nothing more. Requests in work go on; connections in the queue are left to other processes on the socket.
  func stop() {
    state.withLock { $0.isStopping = true }
    stopSignal.signal()
  }

  /// Waits until the last request is answered. Blocks.
  /// - Returns: how many are left when the time is over.
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
      logger.warning("the system grants no further thread")
    }
  }

  /// Takes an idle thread out of the count, if there are more than the minimum and another one stays to accept.
  private func leaveIfSurplus() -> Bool {
    let idle = idleCount.load(ordering: .relaxed)
    // Threads are added by those who accept: if the last one left, nobody would ever add another.
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

  /// The life of one thread.
  private func run() {
    do throws(WorkerError) {
      let executor = try ThreadExecutor()
      let queue = try ConnectionAcceptor(listener: listener, stop: stopSignal)
      var snapshot = handler.makeSnapshot()
      while let connection = next(from: queue) {
        handler.update(&snapshot)
        if ConnectionAcceptor.hasHungUp(connection) {
          close(connection)
        } else {
          executor.run(watching: connection) { [handler, proxy = snapshot.proxy] in
            await handler.serve(connection, by: proxy)
          }
        }
        idleCount.add(1, ordering: .relaxed)
      }
    } catch {
      noteExhaustion("no further worker thread", error.description)
      removeIdleThread()
      endIfNobodyIsLeft()
    }
  }

  /// Ends the process when no thread can serve: its supervisor starts it again, where it would only look alive.
  private func endIfNobodyIsLeft() {
    guard state.withLock({ $0.threads == 0 && !$0.isStopping }) else { return }
    logger.critical("no worker thread is left: the process ends")
    _exit(EX_OSERR)
  }

  private func noteExhaustion(_ message: Logger.Message, _ reason: String) {
    guard exhaustion.isDue(at: ContinuousClock.now - startedAt) else { return }
    let remedy = "raise 'LimitNOFILE=' or 'ulimit -Hn', or lower 'threads.max'"
    logger.error(message, metadata: ["error": "\(reason): \(remedy)"])
  }

  /// Waits for a connection; `nil` when the thread is to end, which is then counted already. Blocks.
  private func next(from queue: ConnectionAcceptor) -> Int32? {
    while true {
      switch queue.next(timeout: Self.idleTimeout) {
      case .connection(let connection):
        if idleCount.subtract(1, ordering: .relaxed).newValue == 0 { addThread() }
        return connection
      case .stopped:
        removeIdleThread()
        return nil
      case .idle:
        if leaveIfSurplus() { return nil }
      case .exhausted(let code):
        noteExhaustion("no connection accepted", String(cString: strerror(code)))
        // The connection stays in the queue; looking again at once would only burn the processor.
        poll(nil, 0, 100)
      }
    }
  }
}
