internal import Glibc
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
///
/// Unchecked: `jobs` and `head` are touched only under `mutex`, which the threads also sleep on.
private final class JobQueue: @unchecked Sendable {
  /// How many jobs that are done may stand before those that wait.
  private static let maximumDone = 1024

  private var jobs: [UnownedJob] = []
  private var head = 0
  private let mutex: UnsafeMutablePointer<pthread_mutex_t> = .allocate(capacity: 1)
  private let condition: UnsafeMutablePointer<pthread_cond_t> = .allocate(capacity: 1)

  init() {
    pthread_mutex_init(mutex, nil)
    pthread_cond_init(condition, nil)
  }

  deinit {
    pthread_cond_destroy(condition)
    pthread_mutex_destroy(mutex)
    condition.deallocate()
    mutex.deallocate()
  }

  func append(_ job: UnownedJob) {
    pthread_mutex_lock(mutex)
    jobs.append(job)
    pthread_mutex_unlock(mutex)
    pthread_cond_signal(condition)
  }

  /// Blocks until there is a job.
  func next() -> UnownedJob {
    pthread_mutex_lock(mutex)
    defer { pthread_mutex_unlock(mutex) }
    while head == jobs.count { pthread_cond_wait(condition, mutex) }
    let job = jobs[head]
    head += 1
    if head == jobs.count {
      jobs.removeAll(keepingCapacity: true)
      head = 0
    } else if head >= Self.maximumDone, head * 2 >= jobs.count {
      // A queue that never runs empty would grow for ever.
      jobs.removeFirst(head)
      head = 0
    }
    return job
  }
}
