internal import Glibc
internal import Synchronization

/// The queue of an event loop: jobs of its tasks, and connections that other threads hand to it.
final class LoopExecutor: TaskExecutor {
  struct Work {
    var jobs: [UnownedJob] = []
    /// Accepted connections that this loop is to serve.
    var adopted: [Int32] = []
    /// Connections whose tasks have ended.
    var retired: [Connection] = []

    var isEmpty: Bool { jobs.isEmpty && adopted.isEmpty && retired.isEmpty }

    fileprivate mutating func removeAll() {
      jobs.removeAll(keepingCapacity: true)
      adopted.removeAll(keepingCapacity: true)
      retired.removeAll(keepingCapacity: true)
    }
  }

  private struct State {
    var work = Work()
    var isAsleep = false
  }

  /// The number of unfinished connections.
  let load = Atomic<Int>(0)
  let wakeUp: WakeupDescriptor
  private let state = Mutex(State())

  init() throws(WorkerError) { wakeUp = try WakeupDescriptor() }

  func enqueue(_ job: consuming ExecutorJob) {
    let job = UnownedJob(job)
    add { $0.jobs.append(job) }
  }

  /// Hands an accepted connection to the loop, which counts in its load already.
  func adopt(_ connection: Int32) { add { $0.adopted.append(connection) } }

  /// Lets the loop close a connection whose task ends.
  func retire(_ connection: Connection) { add { $0.retired.append(connection) } }

  /// Replaces the work of the last round by that of the next one.
  /// - Parameter beforeSleep: true where the thread is about to sleep: it has to be woken if there is no work now.
  func takeWork(into work: inout Work, beforeSleep: Bool) {
    work.removeAll()
    state.withLock { state in
      state.isAsleep = beforeSleep && state.work.isEmpty
      swap(&state.work, &work)
    }
  }

  private func add(_ change: (inout Work) -> Void) {
    let isAsleep = state.withLock { state in
      change(&state.work)
      defer { state.isAsleep = false }
      return state.isAsleep
    }
    if isAsleep { wakeUp.signal() }
  }
}
