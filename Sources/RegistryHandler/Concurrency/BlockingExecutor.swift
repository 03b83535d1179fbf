internal import Dispatch
internal import Synchronization

/// A pool of threads for tasks that block on files: the cooperative pool has one thread a core and must not wait.
///
/// Downloads run here. A job is short (write one chunk, hash it), so few threads serve many downloads.
package final class BlockingExecutor: TaskExecutor {
  /// The number of threads: enough to keep disks busy while some jobs wait in `fsync`.
  package static let defaultThreadCount = 32

  private let queue = JobQueue()

  /// Starts the threads. They live as long as the process: the executor is created once, at start.
  package init(threadCount: Int = BlockingExecutor.defaultThreadCount) {
    for _ in 0..<threadCount {
      OSThread.start { [queue, executor = asUnownedTaskExecutor()] in
        while true { queue.next().runSynchronously(on: executor) }
      }
    }
  }

  package func enqueue(_ job: consuming ExecutorJob) { queue.append(UnownedJob(job)) }
}

/// The jobs in order, each taken by the next free thread.
private final class JobQueue: Sendable {
  private struct State {
    var jobs: [UnownedJob] = []
    var head = 0
  }

  /// The number of finished jobs that may remain before the waiting ones.
  private static let maximumFinished = 1024

  private let state = Mutex(State())
  /// Counts the jobs that no thread has taken.
  private let available = DispatchSemaphore(value: 0)

  func append(_ job: UnownedJob) {
    state.withLock { $0.jobs.append(job) }
    available.signal()
  }

  /// Returns the next job; blocks until there is one.
  func next() -> UnownedJob {
    available.wait()
    return state.withLock { state in
      let job = state.jobs[state.head]
      state.head += 1
      // A queue that never runs empty would grow forever.
      if state.head == state.jobs.count || (state.head >= Self.maximumFinished && state.head * 2 >= state.jobs.count) {
        state.jobs.removeFirst(state.head)
        state.head = 0
      }
      return job
    }
  }
}
