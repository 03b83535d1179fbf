internal import CFastCGI
internal import Glibc
internal import Synchronization

/// Runs the tasks of one request on the thread that serves it: libfcgi may block it, since the thread is ours.
///
/// While the request waits for something, the thread waits for that and for the client to leave.
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

  /// Runs an operation to its end on this thread. Blocks.
  /// - Parameter client: the connection of the client; when it hangs up, the operation is cancelled.
  func run(watching client: Int32, _ operation: @escaping @Sendable () async -> Void) {
    let finished = FinishedFlag()
    let task = Task(executorPreference: self) {
      await operation()
      finished.set()
    }
    var hasLeft = false
    while !finished.isSet {
      let jobs = state.withLock { state -> [UnownedJob] in
        if state.jobs.isEmpty { state.isAsleep = true }
        defer { state.jobs.removeAll(keepingCapacity: true) }
        return state.jobs
      }
      for job in jobs { job.runSynchronously(on: asUnownedTaskExecutor()) }
      if jobs.isEmpty, sleepUntilWokenOrLeft(by: hasLeft ? -1 : client) {
        hasLeft = true
        task.cancel()
      }
    }
  }

  /// Returns true when the client hung up, false when there is a job.
  private func sleepUntilWokenOrLeft(by client: Int32) -> Bool {
    var descriptors = [
      pollfd(fd: wakeUp.descriptor, events: Int16(POLLIN), revents: 0),
      pollfd(fd: client, events: CFASTCGI_POLLRDHUP, revents: 0),
    ]
    guard poll(&descriptors, 2, -1) > 0 else { return false }
    if descriptors[0].revents != 0 { wakeUp.clear() }
    return descriptors[1].revents != 0
  }
}

/// Set by the last job of a request, read by the same thread.
private final class FinishedFlag: Sendable {
  private let flag = Atomic<Bool>(false)

  var isSet: Bool { flag.load(ordering: .acquiring) }

  func set() { flag.store(true, ordering: .releasing) }
}
