internal import CFastCGI
internal import Glibc
internal import Synchronization

/// Runs the tasks of one request on the thread that serves it: libfcgi may block the thread, since it is ours.
///
/// While the request waits, the thread waits for the next job or for the client to disconnect.
final class ThreadExecutor: TaskExecutor {
  private struct State {
    var jobs: [UnownedJob] = []
    var isAsleep = false
  }

  private let state = Mutex(State())
  private let wakeUp: WakeupDescriptor

  init() throws(WorkerError) { wakeUp = try WakeupDescriptor() }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    let isAsleep = state.withLock { state in
      state.jobs.append(job)
      defer { state.isAsleep = false }
      return state.isAsleep
    }
    if isAsleep { wakeUp.signal() }
  }

  /// Runs an operation to completion on this thread. Blocks.
  /// - Parameter client: the connection of the client; a hang-up cancels the operation.
  func run(watching client: Int32, _ operation: @escaping @Sendable () async -> Void) {
    let finished = FinishedFlag()
    let task = Task(executorPreference: self) {
      await operation()
      finished.set()
    }
    var hasHungUp = false
    while !finished.isSet {
      let jobs = state.withLock { state -> [UnownedJob] in
        if state.jobs.isEmpty { state.isAsleep = true }
        defer { state.jobs.removeAll(keepingCapacity: true) }
        return state.jobs
      }
      for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
      if jobs.isEmpty, sleepUntilWokenOrHungUp(by: hasHungUp ? -1 : client) {
        hasHungUp = true
        task.cancel()
      }
    }
  }

  /// Returns true if the client hung up, false if there is a job.
  private func sleepUntilWokenOrHungUp(by client: Int32) -> Bool {
    var descriptors = [
      pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: client, events: CFASTCGI_POLLRDHUP, revents: 0),
    ]
    guard poll(&descriptors, 2, -1) > 0 else { return false }
    if descriptors[0].revents != 0 { wakeUp.clear() }
    return descriptors[1].revents != 0
  }
}

/// A flag set by the last job of a request and read by the same thread.
private final class FinishedFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  var isSet: Bool { flag.load(ordering: .acquiring) }

  func set() { flag.store(true, ordering: .releasing) }
}
