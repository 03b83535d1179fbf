import Foundation
import Synchronization

/// The one thread that starts processes.
///
/// The kernel sends a child its parent-death signal when the *thread* that started it ends, so this one never ends.
/// <https://man7.org/linux/man-pages/man2/PR_SET_PDEATHSIG.2const.html>
final class LauncherThread: Sendable {
  static let shared = LauncherThread()

  private let jobs = Mutex<[@Sendable () -> Void]>([])
  private let available = DispatchSemaphore(value: 0)

  private init() {
    Thread.detachNewThread { [self] in
      while true {
        available.wait()
        let job = jobs.withLock { $0.removeFirst() }
        job()
      }
    }
  }

  func run<Value: Sendable>(_ work: @escaping @Sendable () throws -> Value) async throws -> Value {
    try await withCheckedThrowingContinuation { continuation in
      jobs.withLock { $0.append { continuation.resume(with: Result { try work() }) } }
      available.signal()
    }
  }
}
