internal import Dispatch
internal import Synchronization

/// Threads of our own for tasks that block on files: the cooperative pool has one thread a core and must not wait.
///
/// Downloads run here. A job is short (write one chunk, hash it), so that few threads serve many downloads.
package final class BlockingExecutor: TaskExecutor {
  /// Enough to keep disks busy while some jobs wait in `fsync`.
  package static let defaultThreadCount = 32

  private let queue = JobQueue()

  /// Starts the threads. They live as long as the process: the executor is made once, at start.
  package init(threadCount: Int = BlockingExecutor.defaultThreadCount) {
    for _ in 0..<threadCount {
      OSThread.start { [queue, executor = asUnownedTaskExecutor()] in
        while true { queue.next().runSynchronously(on: executor) }
      }
    }
  }

  package func enqueue(_ job: consuming ExecutorJob) { queue.append(UnownedJob(job)) }
}

/// Jobs in order, handed to whichever thread waits first.
private final class JobQueue: Sendable {
  private struct State {
    var jobs: [UnownedJob] = []
    var head = 0
  }

  /// How many jobs that are done may stand before those that wait.
  private static let maximumDone = 1024

  private let state = Mutex(State())
  /// Counts the jobs that nobody has taken.
  private let available = DispatchSemaphore(value: 0)

  func append(_ job: UnownedJob) {
    state.withLock { $0.jobs.append(job) }
    available.signal()
  }

  /// Blocks until there is a job.
  func next() -> UnownedJob {
    available.wait()
    return state.withLock { state in
      let job = state.jobs[state.head]
      state.head += 1
      // A queue that never runs empty would grow for ever.
      if state.head == state.jobs.count || (state.head >= Self.maximumDone && state.head * 2 >= state.jobs.count) {
        state.jobs.removeFirst(state.head)
        state.head = 0
      }
      return job
    }
  }
}
