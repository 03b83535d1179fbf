internal import CFastCGI
internal import Glibc
internal import Logging
internal import RegistryHandler
internal import Synchronization

/// One thread that accepts connections and runs their tasks, used on that thread only.
///
/// A round runs the jobs that are queued, accepts connections and looks for events, so that no task keeps others
/// waiting for longer than one of its steps.
final class EventLoop {
  private let pool: WorkerPool
  private let executor: LoopExecutor
  private let poll: EventPoll
  private var acceptor: ConnectionAcceptor
  /// The connections whose tasks wait for something, by descriptor.
  private var connections: [Int32: Connection] = [:]
  /// The connections whose tasks have not run yet: where none is kept, most end at once and need no registration.
  private var begun: [Connection] = []
  private var snapshot: CurrentProxy.Snapshot
  private var isStopping = false
  private var nextCheck = ContinuousClock.now

  /// The interval of the checks for waits that have taken too long.
  private static let checkInterval: Duration = .seconds(1)

  /// The most connections that are accepted in one round: more would wait for a busy loop while others are idle.
  private static let connectionsPerRound = 16

  init(_ pool: WorkerPool, _ executor: LoopExecutor) throws(WorkerError) {
    self.pool = pool
    self.executor = executor
    poll = try EventPoll()
    acceptor = ConnectionAcceptor(pool.listener, poll)
    snapshot = pool.proxy.makeSnapshot()
    guard poll.add(executor.wakeUp.descriptor, .readable), poll.add(pool.stopSignal.descriptor, .readable) else {
      throw .noDescriptor(errno)
    }
  }

  /// Serves until the process ends. Blocks.
  func run() -> Never {
    var work = LoopExecutor.Work()
    var isIdle = false
    while true {
      executor.takeWork(into: &work, beforeSleep: isIdle)
      let accepted = perform(work)
      if !work.isEmpty || accepted {
        isIdle = false
        if !connections.isEmpty { waitForEvents(timeout: 0) }
      } else if isIdle {
        waitForEvents(timeout: timeout)
        isIdle = false
      } else {
        // On a busy machine nginx is about to connect: a yield is cheaper than to sleep and be woken.
        sched_yield()
        isIdle = true
      }
    }
  }

  /// Returns the milliseconds until the next check; -1 without connections.
  private var timeout: Int32 { acceptor.timeout ?? (connections.isEmpty ? -1 : 1000) }

  /// Runs the jobs of one round and accepts connections; returns whether one was queued.
  private func perform(_ work: LoopExecutor.Work) -> Bool {
    for job in work.jobs { job.runSynchronously(on: executor.asUnownedTaskExecutor()) }
    watchUnfinished()
    for connection in work.retired { retire(connection) }
    for descriptor in work.adopted { begin(descriptor) }
    if pool.isStopping {
      if !isStopping { stop() }
      return false
    }
    // Without connections, an attempt costs less than to wait for the event.
    guard acceptor.mayHaveConnection || connections.isEmpty else { return false }
    // A round of many streams takes long, and a burst would wait for one round after another.
    var count = 0
    while count < (connections.isEmpty ? 1 : Self.connectionsPerRound), accept() { count += 1 }
    return count > 0
  }

  private func watchUnfinished() {
    for connection in begun where !connection.isFinished {
      connections[connection.descriptor] = connection
      connection.watch()
    }
    begun.removeAll(keepingCapacity: true)
  }

  private func retire(_ connection: Connection) {
    // A descriptor that libfcgi has closed may be another connection's by now.
    if connections[connection.descriptor] === connection { connections[connection.descriptor] = nil }
    connection.close()
    executor.load.subtract(1, ordering: .relaxed)
  }

  /// Accepts a connection and gives it to the loop with the fewest; returns whether there was one.
  private func accept() -> Bool {
    switch acceptor.next() {
    case .connection(let descriptor):
      let target = pool.place(near: executor)
      target === executor ? begin(descriptor) : target.adopt(descriptor)
      return true
    case .exhausted(let code):
      pool.logExhaustion("no connection accepted", String(cString: strerror(code)))
      return false
    case .none: return false
    }
  }

  /// Stops accepting, and lets connections without a request end.
  private func stop() {
    isStopping = true
    acceptor.stop()
    poll.remove(pool.stopSignal.descriptor)
    for connection in connections.values { connection.endIdleness() }
    pool.noteStopped()
  }

  private func begin(_ descriptor: Int32) {
    pool.proxy.update(&snapshot)
    let connection = Connection(descriptor, poll)
    guard !connection.hasHungUp else { return retire(connection) }
    begun.append(connection)
    connection.start(on: executor) { [pool, snapshot] connection in
      await pool.handler.serve(connection, snapshot, in: pool)
    }
  }

  private func waitForEvents(timeout: Int32) {
    poll.wait(timeout: timeout) { event in
      switch event.descriptor {
      case executor.wakeUp.descriptor: executor.wakeUp.clear()
      case pool.listener: acceptor.noteReadable()
      default: connections[event.descriptor]?.handle(event.readiness)
      }
    }
    guard !connections.isEmpty else { return }
    let now = ContinuousClock.now
    guard now >= nextCheck else { return }
    nextCheck = now + Self.checkInterval
    for connection in connections.values { connection.checkDeadline(now) }
  }
}
